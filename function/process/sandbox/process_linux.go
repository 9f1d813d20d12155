package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// initName is what the program is called when it is to be the init of a sandbox.
const initName = "millrace-sandbox"

// setupTime bounds how long a sandbox may take until its program runs.
const setupTime = 20 * time.Second

// report is what the init tells of its program. There is one when the program was started or could not be, and one when it
// has ended.
type report struct {
	Step    string        // what failed; empty when nothing has
	Errno   syscall.Errno // why
	Text    string        // why, in words
	Exec    bool          // the sandbox is built, but the program could not be started
	Program int           // its process id inside
	Ended   bool
	Status  syscall.WaitStatus
	MaxRSS  int64
	// Companion is the place of the companion, counted from 1, that the report is of; 0 for the program.
	Companion int
}

func (r report) err() error {
	err := error(r.Errno)
	if r.Errno == 0 {
		err = errors.New(r.Text)
	}
	switch {
	case r.Exec:
		return err
	case r.Step != "":
		return &SetupError{Step: r.Step, Err: err}
	}
	return nil
}

// Process is a program in a sandbox.
type Process struct {
	cmd     *exec.Cmd
	reports *json.Decoder
	control *os.File
	group   *cgroup
	program int
	company *company // nil without companions
	user    int      // of the program on the host

	wait sync.Once
	end  End
}

// Start builds a sandbox and starts the program in it. The kernel ends the sandbox with the thread that calls Start, which
// therefore has to live as long. The error is a *SetupError when there can be no sandbox, and else what the kernel said of the
// program.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	who, err := identify(spec.Common)
	if err != nil {
		return nil, err
	}
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, &SetupError{"make a socket", err}
	}
	p := &Process{control: ours, reports: json.NewDecoder(ours), user: who.Host}
	p.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{initName}, Dir: "/",
		// An environment of its own: the server's would show in /proc/1/environ. One processor is enough for it.
		// A program built with the race detector would else take a second to end.
		Env:    []string{"GOMAXPROCS=1", "GOTRACEBACK=none", "GORACE=atexit_sleep_ms=0"},
		Stdout: spec.Output, Stderr: spec.Output, ExtraFiles: []*os.File{theirs},
		SysProcAttr: who.attributes(),
	}
	if spec.CompanionOutput != nil {
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, spec.CompanionOutput)
	}
	if who.Separate && len(spec.Args) > 0 {
		// So that the program may open it again, as /dev/stdout.
		err := spec.Output.Chown(who.Host, who.Host)
		if spec.CompanionOutput != nil {
			err = errors.Join(err, spec.CompanionOutput.Chown(who.Host, who.Host))
		}
		if err != nil {
			return nil, errors.Join(&SetupError{"give the output away", err}, ours.Close(), theirs.Close())
		}
	}
	err = p.cmd.Start()
	_ = theirs.Close()
	if err != nil {
		return nil, errors.Join(&SetupError{"make namespaces", err}, ours.Close())
	}
	if err := p.setUp(ctx, spec, who); err != nil {
		p.Kill()
		p.Wait()
		return nil, err
	}
	return p, nil
}

// setUp has the init build the sandbox and start the program.
func (p *Process) setUp(ctx context.Context, spec Spec, who identity) error {
	if spec.MemoryBytes > 0 {
		// The init does nothing before it has its order, so that all it does is accounted for.
		p.group = newCgroup(p.cmd.Process.Pid, spec.MemoryBytes)
	}
	stop := context.AfterFunc(ctx, func() { _ = p.control.SetDeadline(time.Now()) })
	defer stop()
	_ = p.control.SetDeadline(time.Now().Add(setupTime))
	order := order{Spec: spec, Identity: who, Cgroup: p.group != nil}
	err := json.NewEncoder(p.control).Encode(order)
	var r report
	if err == nil {
		err = p.reports.Decode(&r)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &SetupError{"wait for the sandbox", err}
	}
	_ = p.control.SetDeadline(time.Time{})
	p.program = r.Program
	if err := r.err(); err != nil && r.Companion > 0 {
		return &CompanionError{Path: spec.Companions[r.Companion-1], Err: err}
	} else if err != nil {
		return err
	}
	if len(spec.Companions) > 0 {
		p.company = newCompany(p, len(spec.Companions))
	}
	return nil
}

// Probe builds a sandbox without a program, looks into it and takes it down again. The error is a *SetupError when there can be none here.
func Probe(ctx context.Context, root string) error {
	// The kernel ends the sandbox with the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return &SetupError{"open " + os.DevNull, err}
	}
	defer null.Close()
	p, err := Start(ctx, Spec{Root: root, TmpBytes: 1 << 20, Output: null})
	if err != nil {
		return err
	}
	// The memory of programs is watched from outside, and their sockets are found there. Some hosts forbid to look.
	_, err = os.ReadDir(p.Proc())
	p.Kill()
	p.Wait()
	if err != nil {
		return &SetupError{"look into the sandbox", err}
	}
	return nil
}

// PID is the process id of the init, which leads a process group of its own. All processes of the sandbox descend from it.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Proc is the sandbox's /proc as the server sees it, where each process but the init has a folder. It is gone when the
// sandbox is.
func (p *Process) Proc() string { return fmt.Sprintf("/proc/%d/root/proc", p.cmd.Process.Pid) }

// Program is the process id of the program inside the sandbox, 0 as long as it waits for Proceed.
func (p *Process) Program() int {
	if p.company != nil {
		return int(p.company.program.Load())
	}
	return p.program
}

// Limited reports whether the kernel limits the memory of the sandbox.
func (p *Process) Limited() bool { return p.group != nil }

// Kill kills everything in the sandbox. It may be called until Wait is called.
func (p *Process) Kill() { _ = syscall.Kill(p.cmd.Process.Pid, syscall.SIGKILL) }

// Wait waits until nothing runs in the sandbox any more, and tells how the program ended. It may be called again.
func (p *Process) Wait() End {
	p.wait.Do(func() {
		_ = p.cmd.Wait()
		p.end.Status, _ = p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		// What the init wrote before it ended is there, and its end of the socket is closed, but for a process that was
		// forked in this moment and has it open still.
		_ = p.control.SetDeadline(time.Now().Add(time.Second))
		if p.company != nil {
			p.company.reading.Wait()
			_ = p.control.Close()
			p.end = p.Ending(0)
			p.group.remove()
			return
		}
		for {
			var r report
			if err := p.reports.Decode(&r); err != nil {
				break
			}
			if r.Ended {
				p.end.Status, p.end.MaxRSS = r.Status, r.MaxRSS
			}
		}
		_ = p.control.Close()
		p.end.OutOfMemory = p.group.killed()
		p.group.remove()
	})
	return p.end
}

// socketpair returns the two ends of a connection. The first can be given deadlines.
func socketpair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("set up socket: %w", err), unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "sandbox"), os.NewFile(uintptr(fds[1]), "server"), nil
}
