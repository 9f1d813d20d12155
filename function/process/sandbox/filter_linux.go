//go:build linux && (amd64 || arm64)

package sandbox

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbidden are the system calls that a function has no use for and an attacker does: those that change mounts and
// namespaces, look into other processes, load code into the kernel, or are known for the holes they had.
var forbidden = []uint32{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN,
	unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_QUOTACTL, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER,
	unix.SYS_IO_URING_REGISTER, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_REBOOT,
	unix.SYS_ACCT, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME, unix.SYS_SYSLOG,
	unix.SYS_VHANGUP, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL, unix.SYS_MEMFD_SECRET,
	unix.SYS_QUOTACTL_FD, unix.SYS_FANOTIFY_INIT, unix.SYS_OPEN_TREE_ATTR,
}

// unaccounted are those that take memory which no process has resident, so that only a cgroup can limit it.
var unaccounted = []uint32{unix.SYS_MEMFD_CREATE, unix.SYS_SHMGET, unix.SYS_SEMGET, unix.SYS_MSGGET}

// families are the kinds of sockets that there are inside. Others lead to the hypervisor (vsock), to what else the kernel has, or to
// drivers that are loaded for whoever asks. Of netlink's there is only what resolvers need, to list the addresses of the host.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6}

// newNamespaces are the flags of clone that make a namespace.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET |
	unix.CLONE_NEWCGROUP

// Places in the kernel's seccomp_data.
const (
	offsetCall = 0
	offsetArch = 4
	offsetFlag = 16 // the lower half of the first argument, on machines whose lower half comes first
	offsetKind = 32 // that of the third
)

const (
	load     = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ifEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ifAbove  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	ifBits   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	finish   = unix.BPF_RET | unix.BPF_K
	refuse   = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown  = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	noFamily = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
	x32Calls = 0x40000000
)

// auditArch is what the kernel calls the machine's own set of system calls.
var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// filter is the program that the kernel asks about each system call. Everything that is not forbidden is allowed: runtimes
// differ too much for a list of what they may do.
func filter(arch uint32, noUnaccounted bool) []unix.SockFilter {
	f := []unix.SockFilter{
		{Code: load, K: offsetArch},
		{Code: ifEqual, K: arch, Jt: 1},
		{Code: finish, K: unknown}, // 32-bit programs have other numbers, and could mean anything
		{Code: load, K: offsetCall},
	}
	f = append(f, whenCall(ifAbove, x32Calls, unknown)...)
	f = append(f, whenCall(ifEqual, unix.SYS_CLONE3, unknown)...) // its flags cannot be looked at; libraries then use clone
	calls := append(append([]uint32{}, forbidden...), machineForbidden...)
	if noUnaccounted {
		calls = append(calls, unaccounted...)
	}
	for _, call := range calls {
		f = append(f, whenCall(ifEqual, call, refuse)...)
	}
	f = append(f,
		unix.SockFilter{Code: ifEqual, K: unix.SYS_CLONE, Jf: 4},
		unix.SockFilter{Code: load, K: offsetFlag},
		unix.SockFilter{Code: ifBits, K: newNamespaces, Jf: 1},
		unix.SockFilter{Code: finish, K: refuse},
		unix.SockFilter{Code: finish, K: unix.SECCOMP_RET_ALLOW},
	)
	sockets := filterSockets()
	return append(append(f,
		unix.SockFilter{Code: ifEqual, K: unix.SYS_SOCKET, Jt: 2},
		unix.SockFilter{Code: ifEqual, K: unix.SYS_SOCKETPAIR, Jt: 1},
		unix.SockFilter{Code: finish, K: unix.SECCOMP_RET_ALLOW},
	), sockets...)
}

// filterSockets judges a call that makes a socket.
func filterSockets() []unix.SockFilter {
	f := []unix.SockFilter{{Code: load, K: offsetFlag}}
	for _, family := range families {
		f = append(f, whenCall(ifEqual, family, unix.SECCOMP_RET_ALLOW)...)
	}
	f = append(f,
		unix.SockFilter{Code: ifEqual, K: unix.AF_NETLINK, Jt: 1},
		unix.SockFilter{Code: finish, K: noFamily},
		unix.SockFilter{Code: load, K: offsetKind},
	)
	f = append(f, whenCall(ifEqual, unix.NETLINK_ROUTE, unix.SECCOMP_RET_ALLOW)...)
	return append(f, unix.SockFilter{Code: finish, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)})
}

// whenCall answers when the comparison applies to what was loaded last.
func whenCall(compare uint16, to, answer uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: compare, K: to, Jf: 1}, {Code: finish, K: answer}}
}

// installFilter puts the filter on this thread and all that it forks.
func installFilter(noUnaccounted bool) error {
	program := filter(auditArch[runtime.GOARCH], noUnaccounted)
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]} //nolint:gosec // a hundred or two
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&fprog))); errno != 0 {
		return &SetupError{"filter system calls", errno}
	}
	runtime.KeepAlive(program)
	return nil
}
