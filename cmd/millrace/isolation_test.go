//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbidVariable makes the test binary a host that forbids what it names, and runs its arguments.
const forbidVariable = "MILLRACE_TEST_FORBID"

// forbid takes something from this process that sandboxes need, and becomes the program that its arguments name.
func forbid(what string) error {
	runtime.LockOSThread()
	call, flags := uint32(unix.SYS_MOUNT), uint32(0)
	if what == "namespaces" {
		call, flags = unix.SYS_CLONE, unix.CLONE_NEWUSER
	}
	const refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 16}, // its first argument
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: flags, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET | unix.BPF_K, K: refuse},
	}
	if flags == 0 {
		filter[3] = filter[6] // whatever the arguments are
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // seven
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return err
	}
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		return err
	}
	return syscall.Exec(path, os.Args[1:], os.Environ()) //nolint:gosec // the tests' own arguments
}

// forbidding are hosts on which functions cannot be isolated, and what the program says is missing.
var forbidding = []struct {
	name    string
	command func(arguments ...string) *exec.Cmd
	missing string
}{
	{"no user namespaces, as in Docker", forbiddenTo("namespaces"), "make namespaces: "},
	{"no mounts, as under Ubuntu's AppArmor", forbiddenTo("mounts"), "make mounts private: operation not permitted"},
	{"no more namespaces, as hardened hosts set it", limited, "no space left on device"},
}

// limited runs a command where no user namespaces can be made.
func limited(arguments ...string) *exec.Cmd {
	command := exec.Command("sh", append([]string{"-c", `echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" "$@"`}, arguments...)...)
	users := []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	groups := []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	if os.Getuid() == 0 {
		users[0].Size, groups[0].Size = 1<<31, 1<<31 // as on the host, where root has others beside itself
	}
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: users, GidMappings: groups}
	return command
}

func forbiddenTo(what string) func(...string) *exec.Cmd {
	return func(arguments ...string) *exec.Cmd {
		command := exec.Command(os.Args[0], arguments...)
		command.Env = append(os.Environ(), forbidVariable+"="+what)
		return command
	}
}

// Where functions cannot be isolated, a server that is to isolate them does not start, and another says once what is missing
// and runs.
func TestForbiddingHost(t *testing.T) {
	for _, host := range forbidding {
		t.Run(host.name, func(t *testing.T) {
			up := []string{program, "up", "--memory", "--listen", "127.0.0.1:0", "--isolation"}
			if out, err := host.command("true").CombinedOutput(); err != nil {
				t.Skipf("this host cannot be made one: %v %s", err, out)
			}
			said, err := host.command(append(up, "required")...).CombinedOutput()
			want := "isolation of functions is required and this host does not allow it: "
			if _, why, ok := strings.Cut(string(said), want); err == nil || !ok || !strings.Contains(why, host.missing) {
				t.Errorf("required: %v %s", err, said)
			}
			server := host.command(append(up, "auto")...)
			log, err := server.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = server.Process.Signal(syscall.SIGTERM)
				if err := server.Wait(); err != nil {
					t.Errorf("auto: %v", err)
				}
			}()
			var told []string
			lines := bufio.NewScanner(log)
			for lines.Scan() && !strings.Contains(lines.Text(), "millrace is ready") {
				if strings.Contains(lines.Text(), "isol") {
					told = append(told, lines.Text())
				}
			}
			if len(told) != 1 || !strings.Contains(told[0], "functions run without isolation") || !strings.Contains(told[0], host.missing) {
				t.Errorf("auto: %q", told)
			}
		})
	}
}

// init is before TestMain, which is for all systems.
func init() { beForbidden() }

// beForbidden becomes the program that a host is to forbid something, if this is the test binary's part.
func beForbidden() {
	if what := os.Getenv(forbidVariable); what != "" {
		_ = os.Unsetenv(forbidVariable)
		fmt.Fprintln(os.Stderr, forbid(what))
		os.Exit(1)
	}
}
