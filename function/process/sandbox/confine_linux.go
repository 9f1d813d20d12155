package sandbox

import (
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxFiles     = 1024 // AWS's limit
	maxProcesses = 1024 // AWS's limit, on processes and threads together
	maxLocked    = 64 << 10
	maxStack     = 8 << 20
)

// confine takes from this thread, and so from the program, what the program is not to have. The order matters: each step
// needs what later ones take.
func confine(o order) error {
	// What whoever started the server had open, and left to it, is not the program's either.
	if err := unix.CloseRange(controlFD+1, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return &SetupError{"keep the server's files", err}
	}
	if err := limit(o.Identity.Counted); err != nil {
		return err
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL {
			break // the kernel knows no more
		} else if err != nil {
			return &SetupError{"give up capabilities", err}
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return &SetupError{"give up new privileges", err}
	}
	// Neither the init's memory nor what it has open is readable through /proc to a program that has its user id.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return &SetupError{"hide the init", err}
	}
	if err := closeAbstractSockets(); err != nil {
		return err
	}
	if err := installFilter(!o.Cgroup); err != nil {
		return err
	}
	if o.Identity.Separate {
		return nil // the change to the program's own user id takes the capabilities
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return &SetupError{"give up capabilities", err}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return &SetupError{"give up capabilities", err}
	}
	return nil
}

// scopesFrom is the version of Landlock's interface since which it knows abstract sockets (Linux 6.12).
const scopesFrom = 6

// HidesAbstractSockets reports whether the host's kernel can keep programs from sockets of the host's that have a name and no file.
func HidesAbstractSockets() bool {
	version, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0 && version >= scopesFrom
}

// closeAbstractSockets keeps the program from connecting to sockets outside that have a name and no file: those belong to the
// network, which is the host's, and graphical sessions and others listen there. Where the kernel cannot do that they stay open.
func closeAbstractSockets() error {
	if !HidesAbstractSockets() {
		return nil
	}
	rules := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET}
	fd, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0)
	if errno != 0 {
		return &SetupError{"close abstract sockets", errno}
	}
	defer unix.Close(int(fd))
	if _, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return &SetupError{"close abstract sockets", errno}
	}
	return nil
}

// limit sets the resource limits that AWS has, where they are of use.
func limit(countProcesses bool) error {
	limits := map[int]uint64{
		unix.RLIMIT_NOFILE: maxFiles, unix.RLIMIT_CORE: 0, unix.RLIMIT_MEMLOCK: maxLocked, unix.RLIMIT_STACK: maxStack,
		unix.RLIMIT_MSGQUEUE: 0, unix.RLIMIT_RTPRIO: 0, unix.RLIMIT_NICE: 0, unix.RLIMIT_SIGPENDING: maxProcesses,
	}
	if countProcesses {
		limits[unix.RLIMIT_NPROC] = maxProcesses
	}
	for resource, most := range limits {
		var now unix.Rlimit
		if err := unix.Getrlimit(resource, &now); err != nil {
			return &SetupError{"read limits", err}
		}
		most = min(most, now.Max)
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return &SetupError{"set limits", os.NewSyscallError("setrlimit", err)}
		}
	}
	return nil
}
