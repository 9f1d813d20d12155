package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put the process into a group of its own, and have the kernel end it with the thread that started it.
// That thread is the one that waits for it, see instance.watch.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// waitUnreaped returns when the process has ended, and leaves it to be reaped: its number cannot be given to another
// process before that, so that its group can still be killed. It reports false when it could not wait.
func waitUnreaped(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}
