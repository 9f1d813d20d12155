package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/millrace/millrace/function"
)

const (
	// busyTries and busyWait bound how long the start of a program waits for another process to close it: one that was
	// just forked still has every file open that this one had.
	busyTries = 50
	busyWait  = 2 * time.Millisecond
)

// wrapperVariable names a program that is to start the runtime.
const wrapperVariable = "AWS_LAMBDA_EXEC_WRAPPER"

// command returns the arguments that start the function, and what interprets it. A function without a program that
// could be started is an *function.InitError.
func (e *Executor) command(ctx context.Context, spec function.Spec) ([]string, interpreter, error) {
	at := e.places(spec)
	if !function.ManagedRuntime(spec.Function.Runtime) {
		err := findBootstrap(spec.CodeDir)
		return []string{filepath.Join(at.code, bootstrapName)}, interpreter{}, err
	}
	in, err := e.interpreters.find(ctx, spec.Function.Runtime)
	if err != nil {
		return nil, in, err
	}
	var argv []string
	switch in.language {
	case "Python":
		argv = []string{in.path, "-u", "-B", filepath.Join(at.runtime, pythonName)}
	default:
		argv = []string{in.path, filepath.Join(at.runtime, nodeName)}
	}
	if wrapper := spec.Function.Environment[wrapperVariable]; wrapper != "" {
		// Functions know their code by AWS's path.
		if inCode, ok := strings.CutPrefix(wrapper, "/var/task/"); ok {
			wrapper = filepath.Join(at.code, inCode)
		}
		argv = append([]string{wrapper}, argv...)
	}
	return argv, in, nil
}

// bootstrapName is the program of a provided runtime.
const bootstrapName = "bootstrap"

// findBootstrap looks whether the program of a provided runtime is there.
func findBootstrap(codeDir string) error {
	info, err := os.Stat(filepath.Join(codeDir, bootstrapName))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.Mode().IsRegular():
		return &function.InitError{
			ErrorType: function.ErrorEntrypoint,
			Message:   "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
		}
	case err != nil:
		return fmt.Errorf("look for bootstrap: %w", err)
	}
	return nil
}

// startError says what it means that a program could not be started.
func (e *Executor) startError(spec function.Spec, err error) error {
	if notBuilt(err) {
		return fmt.Errorf("start sandbox: %w", err)
	}
	managed := function.ManagedRuntime(spec.Function.Runtime)
	if managed && spec.Function.Environment[wrapperVariable] != "" {
		// The shell that starts runtimes at AWS would say so.
		return &function.InitError{ErrorType: function.ErrorExit, Message: "Runtime exited with error: exit status 127"}
	}
	if managed {
		e.interpreters.forget(spec.Function.Runtime)
		return fmt.Errorf("start interpreter: %w", err)
	}
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.ENOENT, syscall.ENOEXEC, syscall.ENOTDIR, syscall.ELOOP, syscall.EISDIR} {
		if errors.Is(err, errno) {
			return &function.InitError{ErrorType: function.ErrorEntrypoint, Message: "fork/exec /var/task/bootstrap: " + errno.Error()}
		}
	}
	return fmt.Errorf("start bootstrap: %w", err)
}

// startCommand starts what prepare returns, and again while its file is still open elsewhere for writing.
func startCommand(ctx context.Context, prepare func() *exec.Cmd) (*exec.Cmd, error) {
	for tries := 1; ; tries++ {
		cmd := prepare()
		err := cmd.Start()
		if err == nil {
			return cmd, nil
		}
		if !errors.Is(err, syscall.ETXTBSY) || tries == busyTries {
			return nil, err
		}
		timer := time.NewTimer(busyWait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}
