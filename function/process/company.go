package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/millrace/millrace/aws/runtime"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process/sandbox"
)

const (
	// shutdownLimit is how long an instance with external extensions may take to end, unless the configuration says so.
	shutdownLimit = 2 * time.Second
	// runtimeShare is the part of it that the runtime has, 300 ms, and internalShare the one that an instance has whose extensions
	// are all inside the runtime, 500 ms. They are AWS's.
	runtimeShare  = 300 * time.Millisecond
	internalShare = 500 * time.Millisecond
	// telemetryShare is the part of the time for the end in which extensions are sent the telemetry that is left, before they are
	// told; closeShare is that in which an instance that has ended by itself waits to be closed, since what is told of its last
	// invocation is to be among that telemetry.
	telemetryShare = 7
	closeShare     = 4
)

// extensionsFolder is the folder of layers whose files are external extensions.
const extensionsFolder = "extensions"

// share returns the part of a limit that AWS's is of its own.
func share(limit, of time.Duration) time.Duration {
	return time.Duration(float64(limit) * float64(of) / float64(shutdownLimit))
}

// company are the external extensions of an instance: programs of its layers that are started before the runtime, and end
// after it.
type company struct {
	output  *output
	members []*member
}

// member is an external extension.
type member struct {
	name string
	done <-chan struct{} // closed when its process has ended
	end  func() sandbox.End
	kill func() // its whole group
	// family lists its processes, where those are not found with the runtime's.
	family func() []int
}

// findExtensions names the files of a function's layers that are external extensions. Whether they are programs shows when
// they are started.
func findExtensions(spec function.Spec) (names []string, err error) {
	if spec.LayersDir == "" {
		return nil, nil
	}
	all, err := os.ReadDir(filepath.Join(spec.LayersDir, extensionsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("look for extensions: %w", err)
	}
	for _, f := range all {
		if !f.IsDir() {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// errTooMany is AWS's word for it.
var errTooMany = errors.New("ErrTooManyExtensions")

// launchFailure is what it means that an extension could not be started. It is told, and so are those that are not started
// for it.
func launchFailure(log function.LogWriter, names []string, failed int, err error) error {
	kind := "UnknownError"
	switch {
	case errors.Is(err, errTooMany):
		kind = "TooManyExtensions"
	case errors.Is(err, fs.ErrPermission):
		kind = "PermissionDenied"
	}
	for n, name := range names[:failed+1] {
		if n == failed {
			log.Tell(function.ExtensionInit(name, "LaunchError", nil, kind))
		} else {
			log.Tell(function.ExtensionInit(name, "Started", nil, ""))
		}
	}
	message := err.Error()
	if !errors.Is(err, errTooMany) {
		message = "fork/exec /opt/" + extensionsFolder + "/" + names[failed] + ": " + kernelText(err)
	}
	return &function.InitError{ErrorType: "Extension.LaunchError", Message: message}
}

// kernelText is what the kernel said, without what we were doing.
func kernelText(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return err.Error()
}

// tellExtensions tells where the extensions stand when the initialization has ended.
func tellExtensions(log function.LogWriter, roster []runtime.ExtensionStatus) {
	for _, e := range roster {
		log.Tell(function.ExtensionInit(e.Name, e.State, e.Events, e.ErrorType))
	}
}

// environmentOfExtensions returns those of a function's variables that its extensions get: without what is the runtime's own.
func environmentOfExtensions(vars []string, user map[string]string) []string {
	runtimes := []string{
		"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
		"AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "PYTHONPATH", "NODE_PATH", "LC_CTYPE", "PWD",
	}
	return slices.DeleteFunc(slices.Clone(vars), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		_, own := user[name]
		return strings.HasPrefix(name, "_") || slices.Contains(runtimes, name) && !own
	})
}

// accompany starts an extension without walls, on a thread that lives as long as it does, since the kernel ends it with that.
func (i *instance) accompany(ctx context.Context, name, path string, p program, out *os.File) (*member, error) {
	var (
		cmd    *exec.Cmd
		end    sandbox.End
		mu     sync.Mutex
		reaped bool
	)
	done, started := make(chan struct{}), make(chan error, 1)
	i.life.Go(func() {
		goruntime.LockOSThread()
		defer goruntime.UnlockOSThread()
		var err error
		cmd, err = startCommand(ctx, func() *exec.Cmd {
			return &exec.Cmd{Path: path, Args: []string{path}, Env: p.env, Dir: p.dir, Stdout: out, Stderr: out, SysProcAttr: attributes()}
		})
		started <- err
		if err != nil {
			return
		}
		b := bare{cmd}
		b.await()
		i.freezer.thaw() // before it is reaped, and its number somebody else's
		mu.Lock()
		b.kill()
		end, reaped = b.Wait(), true
		mu.Unlock()
		close(done)
	})
	if err := <-started; err != nil {
		return nil, err
	}
	kill := func() {
		mu.Lock()
		defer mu.Unlock()
		if !reaped {
			bare{cmd}.kill()
		}
	}
	return &member{
		name: name, done: done, end: func() sandbox.End { return end }, kill: kill,
		family: func() []int { return family(cmd.Process.Pid) },
	}, nil
}

// boxedMember is an extension in the sandbox of its instance, at its place there.
func boxedMember(name string, p *sandbox.Process, place int) *member {
	return &member{
		name: name, done: p.Ended(place), end: func() sandbox.End { return p.Ending(place) },
		kill: func() { p.Signal(place, syscall.SIGKILL) }, family: func() []int { return nil },
	}
}

// kill ends all extensions.
func (c *company) kill() {
	for _, m := range c.members {
		m.kill()
	}
}

// dismiss tells the extensions that want to hear of it that the instance ends, waits for them until the deadline, and ends
// those that are left. It returns when all have ended. Before, they are sent the telemetry that is left, for as long as flush.
func (c *company) dismiss(api *runtime.Server, reason string, deadline time.Time, flush time.Duration) {
	api.FlushTelemetry(min(flush, time.Until(deadline)))
	api.Shutdown(reason, deadline)
	told := map[string]bool{}
	for _, e := range api.Roster() {
		told[e.Name] = e.Shutdown()
	}
	for _, m := range c.members {
		if !told[m.name] {
			m.kill()
		}
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for _, m := range c.members {
		select {
		case <-m.done:
		case <-timer.C:
			c.kill()
			timer.Reset(0) // those behind it are not waited for either
		}
	}
	for _, m := range c.members {
		<-m.done
	}
}
