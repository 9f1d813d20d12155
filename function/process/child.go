package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/millrace/millrace/aws/runtime"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process/sandbox"
)

// child is the process of an instance: a bare one, or the first of a sandbox.
type child interface {
	// await returns when the program has ended. Its process need not have been reaped yet.
	await()
	// Wait waits for the end of the process, reaps it, and tells how the program ended. It may be called again.
	Wait() sandbox.End
	// kill ends the program and all that it has started; of an instance with a sandbox of its own, everything in that.
	kill()
	// terminate asks the program to end.
	terminate()
	// processes returns the folders in /proc of all processes of the instance, the program's own first.
	processes() []string
	// own returns the folder in /proc of the program itself.
	own() string
	// family returns the ids of the same processes, where it can.
	family() []int
	// limited reports whether the kernel limits the instance's memory.
	limited() bool
	// admission judges who connects to the instance's Runtime API; nil admits everybody.
	admission() runtime.Admission
}

// places are the folders in which a program finds its code and its runtime.
type places struct{ code, runtime, layers string }

// Inside a sandbox they are AWS's.
var sandboxPlaces = places{code: "/var/task", runtime: "/var/runtime", layers: "/opt"}

func (e *Executor) places(spec function.Spec) places {
	if e.walls != nil {
		return sandboxPlaces
	}
	at := places{code: spec.CodeDir, runtime: e.bootstraps.dir, layers: sandboxPlaces.layers}
	if spec.LayersDir != "" {
		at.layers = spec.LayersDir
	}
	return at
}

// program is what a child runs.
type program struct {
	argv, env []string
	dir       string
	mounts    []sandbox.Mount

	// extensions are the names of those beside it, extensionEnv is their environment.
	extensions   []string
	extensionEnv []string
}

// startChild starts the program. The kernel ends it with the thread that calls.
func (e *Executor) startChild(ctx context.Context, spec function.Spec, p program, out *os.File) (child, error) {
	if e.walls != nil {
		started, err := e.walls.start(ctx, spec, p, out, nil)
		if err != nil {
			return nil, err
		}
		return boxed{started, e.walls.guarded}, nil
	}
	return startBare(ctx, p, out)
}

func startBare(ctx context.Context, p program, out *os.File) (child, error) {
	cmd, err := startCommand(ctx, func() *exec.Cmd {
		return &exec.Cmd{Path: p.argv[0], Args: p.argv, Env: p.env, Dir: p.dir, Stdout: out, Stderr: out, SysProcAttr: attributes()}
	})
	if err != nil {
		return nil, err
	}
	return bare{cmd}, nil
}

// bare is a child without walls.
type bare struct{ cmd *exec.Cmd }

func (b bare) kill()               { _ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) }
func (b bare) terminate()          { _ = syscall.Kill(b.cmd.Process.Pid, syscall.SIGTERM) }
func (b bare) processes() []string { return folders(b.family()) }
func (b bare) own() string         { return folders([]int{b.cmd.Process.Pid})[0] }
func (b bare) family() []int       { return family(b.cmd.Process.Pid) }
func (b bare) limited() bool       { return false }

func (b bare) await() { awaitEnd(b.cmd.Process.Pid, b) }

// admission is of no use without walls: processes of one user can take each other over in easier ways.
func (b bare) admission() runtime.Admission { return nil }

func (b bare) Wait() (end sandbox.End) {
	_ = b.cmd.Wait() // what it says is in ProcessState
	end.Status, _ = b.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if usage, ok := b.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		// The kernel counts our own memory, too, which the process had until it became the program.
		if most := rusageBytes(usage); most > peakBytes("/proc/self") {
			end.MaxRSS = most
		}
	}
	return end
}

// awaitEnd waits for the end of a process, and reaps it where that cannot be helped.
func awaitEnd(pid int, c child) {
	if !waitUnreaped(pid) {
		c.Wait()
	}
}

// boxed is a child in a sandbox.
type boxed struct {
	*sandbox.Process
	guarded bool // the host says who connects
}

func (b boxed) await() { awaitEnd(b.PID(), b) }
func (b boxed) kill()  { _ = syscall.Kill(-b.PID(), syscall.SIGKILL) }

func (b boxed) terminate() {
	if family := b.family(); len(family) > 0 {
		_ = syscall.Kill(family[0], syscall.SIGTERM)
	}
}

func (b boxed) processes() []string { return sandboxed(b.Proc(), b.Program()) }
func (b boxed) own() string         { return filepath.Join(b.Proc(), strconv.Itoa(b.Program())) }
func (b boxed) limited() bool       { return b.Limited() }

func (b boxed) admission() runtime.Admission {
	if !b.guarded {
		return nil
	}
	return b.Made
}

// family leaves the sandbox's init out, which adopts everybody.
func (b boxed) family() []int {
	all := family(b.PID())
	return all[min(1, len(all)):]
}

// shared is a child in a sandbox in which extensions are, too.
type shared struct{ boxed }

func (s shared) await()            { <-s.Ended(0) }
func (s shared) Wait() sandbox.End { return s.Ending(0) }
func (s shared) kill()             { s.Signal(0, syscall.SIGKILL) }
func (s shared) terminate()        { s.Signal(0, syscall.SIGTERM) }

// notBuilt reports whether an error says that there is no sandbox, rather than something of the program in it.
func notBuilt(err error) bool {
	_, is := errors.AsType[*sandbox.SetupError](err)
	return is
}
