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
		folder, err := findBootstrap(spec, at)
		return []string{filepath.Join(folder, bootstrapName)}, interpreter{}, err
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
		// Functions know their code and their layers by AWS's paths.
		if inCode, ok := strings.CutPrefix(wrapper, "/var/task/"); ok {
			wrapper = filepath.Join(at.code, inCode)
		}
		if inLayer, ok := strings.CutPrefix(wrapper, "/opt/"); ok {
			wrapper = filepath.Join(at.layers, inLayer)
		}
		argv = append([]string{wrapper}, argv...)
	}
	return argv, in, nil
}

// bootstrapName is the program of a provided runtime.
const bootstrapName = "bootstrap"

// findBootstrap returns the folder that has the program of a provided runtime, as the function sees it: that of its code or of
// its layers.
func findBootstrap(spec function.Spec, at places) (string, error) {
	for _, f := range []struct{ here, there string }{{spec.CodeDir, at.code}, {spec.LayersDir, at.layers}} {
		if f.here == "" {
			continue
		}
		info, err := os.Stat(filepath.Join(f.here, bootstrapName))
		switch {
		case err == nil && info.Mode().IsRegular():
			return f.there, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("look for bootstrap: %w", err)
		}
	}
	return "", &function.InitError{
		ErrorType: function.ErrorEntrypoint,
		Message:   "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
	}
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
