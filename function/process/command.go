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
	if !function.ManagedRuntime(spec.Function.Runtime) {
		argv, err := bootstrapCommand(spec.CodeDir)
		return argv, interpreter{}, err
	}
	in, err := e.interpreters.find(ctx, spec.Function.Runtime)
	if err != nil {
		return nil, in, err
	}
	var argv []string
	switch in.language {
	case "Python":
		argv = []string{in.path, "-u", "-B", e.bootstraps.python}
	default:
		argv = []string{in.path, e.bootstraps.node}
	}
	if wrapper := spec.Function.Environment[wrapperVariable]; wrapper != "" {
		// Functions know their code by AWS's path.
		if inCode, ok := strings.CutPrefix(wrapper, "/var/task/"); ok {
			wrapper = filepath.Join(spec.CodeDir, inCode)
		}
		argv = append([]string{wrapper}, argv...)
	}
	return argv, in, nil
}

// bootstrapCommand finds the program of a provided runtime.
func bootstrapCommand(codeDir string) ([]string, error) {
	path := filepath.Join(codeDir, "bootstrap")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.Mode().IsRegular():
		return nil, &function.InitError{
			ErrorType: function.ErrorEntrypoint,
			Message:   "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
		}
	case err != nil:
		return nil, fmt.Errorf("look for bootstrap: %w", err)
	}
	return []string{path}, nil
}

// startError says what it means that a program could not be started.
func (e *Executor) startError(spec function.Spec, err error) error {
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
