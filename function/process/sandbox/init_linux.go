package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// order is what the init is told.
type order struct {
	Spec     Spec
	Identity identity
	Cgroup   bool // the kernel limits the sandbox's memory
}

// controlFD is the init's end of the socket: the first file after the standard ones.
const controlFD = 3

const (
	// busyTries and busyWait bound how long the start of a program waits for another process to close its file: one that
	// was just forked still has every file open that its parent had.
	busyTries = 50
	busyWait  = 2 * time.Millisecond
)

func init() {
	if len(os.Args) == 1 && os.Args[0] == initName && os.Getpid() == 1 {
		os.Exit(beInit())
	}
}

// beInit is the life of a sandbox's first process.
func beInit() int {
	// What a thread has given up, those that it forks do not have either; the program is forked by this one.
	runtime.LockOSThread()
	unix.CloseOnExec(controlFD)
	control := os.NewFile(controlFD, "server")
	reports := json.NewEncoder(control)
	var o order
	if err := json.NewDecoder(control).Decode(&o); err != nil {
		return 1
	}
	if len(o.Spec.Companions) > 0 {
		return lead(o, control)
	}
	program, err := launch(o)
	if err != nil {
		_ = reports.Encode(reportOf(err))
		return 1
	}
	if err := reports.Encode(report{Program: program}); err != nil {
		return 1
	}
	if program == 0 {
		_, _ = io.Copy(io.Discard, control) // until the server has looked
		return 0
	}
	go func() {
		// The server says nothing more; there may be the end of its order's line. When its end is closed it has gone.
		_, _ = io.Copy(io.Discard, control)
		os.Exit(1)
	}()
	debug.FreeOSMemory()
	status, usage := reap(program)
	_ = reports.Encode(report{Ended: true, Status: status, MaxRSS: int64(usage.Maxrss) << 10})
	return 0
}

// launch builds the sandbox around this process and starts the program, if there is one.
func launch(o order) (pid int, err error) {
	if err := build(o); err != nil || len(o.Spec.Args) == 0 {
		return 0, err
	}
	return o.start(o.Spec.Args, o.Spec.Env, os.Stdout)
}

// build builds the sandbox around this process.
func build(o order) error {
	if err := buildRoot(o.Spec, o.Identity); err != nil {
		return err
	}
	if err := confine(o); err != nil {
		return err
	}
	// Signals that the program's children send are taken and do nothing; they are not ignored, since that is inherited.
	signal.Notify(make(chan os.Signal, 1))
	return nil
}

// start starts a program in the sandbox.
func (o order) start(args, env []string, output *os.File) (pid int, err error) {
	attributes := &syscall.SysProcAttr{Setsid: true}
	if o.Identity.Separate {
		attributes.Credential = &syscall.Credential{Uid: User, Gid: Group}
	}
	for tries := 1; ; tries++ {
		cmd := &exec.Cmd{Path: args[0], Args: args, Env: env, Dir: o.Spec.Dir, Stdout: output, Stderr: output, SysProcAttr: attributes}
		err := cmd.Start()
		if err == nil {
			return cmd.Process.Pid, nil
		}
		if !errors.Is(err, syscall.ETXTBSY) || tries == busyTries {
			return 0, &execError{err}
		}
		time.Sleep(busyWait)
	}
}

// execError says that the program could not be started.
type execError struct{ err error }

func (e *execError) Error() string { return e.err.Error() }
func (e *execError) Unwrap() error { return e.err }

func reportOf(err error) report {
	r := report{Step: "build the sandbox", Text: err.Error()}
	if setup, ok := errors.AsType[*SetupError](err); ok {
		r.Step, r.Text = setup.Step, setup.Err.Error()
	}
	r.Errno, _ = errors.AsType[syscall.Errno](err)
	_, r.Exec = errors.AsType[*execError](err)
	return r
}

// reap waits for all who end until the program does.
func reap(program int) (syscall.WaitStatus, syscall.Rusage) {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return syscall.WaitStatus(unix.SIGKILL), usage // there is nobody to wait for
		case pid == program:
			return status, usage
		}
	}
}
