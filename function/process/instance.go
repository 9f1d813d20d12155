package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"sync"
	"syscall"
	"time"

	"github.com/millrace/millrace/aws/runtime"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process/sandbox"
)

// errClosed is what an invocation gets whose instance was closed.
var errClosed = errors.New("instance was closed")

// killGrace is how long a killed process may take to end. The kernel may hold one up that waits for a broken disk; its
// invocation is then answered without it.
const killGrace = 5 * time.Second

// cause says why a process was killed.
type cause int

const (
	exited   cause = iota // it was not
	expired               // an invocation ran out of time
	exceeded              // it used more memory than it may
	closed
)

// instance is one process and its Runtime API.
type instance struct {
	spec    function.Spec
	api     *runtime.Server
	output  *output
	child   child
	end     sandbox.End // once done is closed
	memory  *memory
	freezer *freezer      // nil when it is never frozen
	done    chan struct{} // closed when the process was reaped and its output read
	stuck   chan struct{} // closed when it was killed and does not end
	life    sync.WaitGroup

	// Only the invoker looks at these.
	initializing bool          // until the first invocation was answered
	asked        time.Time     // when the kernel was asked for resident
	resident     int64         // the most that the program had resident until then, in bytes
	initDuration time.Duration // 0 when it had not initialized in time

	mu       sync.Mutex
	reaped   bool
	cause    cause
	invoked  bool        // since the memory was looked at
	timer    *time.Timer // expire
	deadline time.Time   // when the invocation under way runs out of time; zero when there is none
	settled  func()      // of the invocation under way
}

// Start starts the process and waits until it asks for its first invocation.
func (e *Executor) Start(ctx context.Context, spec function.Spec) (function.Instance, error) {
	argv, in, err := e.command(ctx, spec)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	i, err := e.launch(ctx, spec, argv, in)
	if err != nil {
		return nil, err
	}
	limit := time.NewTimer(e.initLimit)
	defer limit.Stop()
	select {
	case <-i.api.Ready():
		i.initDuration = time.Since(begun)
		return i, nil
	case <-limit.C:
		spec.Log.WriteLine([]byte(function.InitReport(e.initLimit, "timeout", "")))
		return i, nil
	case report := <-i.api.InitFailed():
		return nil, i.failedInit(begun, &function.InitError{ErrorType: report.ErrorType, Payload: report.Payload})
	case <-i.done:
		select {
		case report := <-i.api.InitFailed(): // it reported, and went
			return nil, i.failedInit(begun, &function.InitError{ErrorType: report.ErrorType, Payload: report.Payload})
		default:
		}
		return nil, i.failedInit(begun, &function.InitError{ErrorType: i.exitType(), Message: i.exitMessage()})
	case <-ctx.Done():
		i.Close()
		return nil, ctx.Err()
	}
}

// failedInit ends an instance that could not initialize.
func (i *instance) failedInit(begun time.Time, failure *function.InitError) error {
	failure.Duration = time.Since(begun)
	i.Close()
	i.spec.Log.WriteLine([]byte(function.InitReport(failure.Duration, "error", failure.ErrorType)))
	return failure
}

// launch opens the Runtime API, starts the process, and begins to watch over it.
func (e *Executor) launch(ctx context.Context, spec function.Spec, argv []string, in interpreter) (*instance, error) {
	keys, err := e.credentials(spec.Function)
	if err != nil {
		return nil, err
	}
	api, err := runtime.Listen(e.log, runtime.Function{
		Name: spec.Function.Name.Name, Version: spec.Version, Handler: spec.Function.Handler, AccountID: spec.Function.Account,
	})
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		api.Close()
		return nil, fmt.Errorf("open pipe for a function: %w", err)
	}
	out, err := newOutput(read, spec.Log)
	if err != nil {
		api.Close()
		return nil, errors.Join(fmt.Errorf("open pipe for a function: %w", err), read.Close(), write.Close())
	}
	i := &instance{
		spec: spec, api: api, output: out, initializing: true, memory: newMemory(spec.Function.MemoryMB),
		done: make(chan struct{}), stuck: make(chan struct{}),
	}
	i.timer = time.AfterFunc(time.Hour, i.expire)
	i.timer.Stop()
	i.life.Go(out.run)

	p := program{argv: argv, env: e.environment(spec, api.Address(), in, keys), dir: e.places(spec).code, mounts: in.mounts()}
	started := make(chan error, 1)
	i.life.Go(func() {
		// The kernel ends the process with this thread, which therefore is the process's own as long as it lives.
		goruntime.LockOSThread()
		defer goruntime.UnlockOSThread()
		child, err := e.startChild(ctx, spec, p, write)
		_ = write.Close()
		i.child = child
		if err == nil && !e.neverFreeze {
			i.freezer = newFreezer(child.family)
		}
		started <- err
		if err == nil {
			i.watch()
		}
	})
	if err := <-started; err != nil {
		out.close()
		api.Close()
		i.life.Wait()
		return nil, e.startError(spec, err)
	}
	i.life.Go(i.watchMemory)
	return i, nil
}

// watch waits for the process and clears up after it.
func (i *instance) watch() {
	pid := i.child.PID()
	if !waitUnreaped(pid) {
		i.child.Wait()
	}
	i.freezer.end()
	i.mu.Lock()
	_ = syscall.Kill(-pid, syscall.SIGKILL) // whom it left behind
	i.end = i.child.Wait()                  // does not wait any more
	i.reaped = true
	i.timer.Stop()
	settled := i.settled
	i.settled = nil
	i.mu.Unlock()

	i.output.close()
	close(i.done)
	if settled != nil {
		settled()
	}
}

// Invoke hands one invocation to the process and waits for its answer, its end, or the function's timeout.
func (i *instance) Invoke(ctx context.Context, request function.Request) (function.Response, error) {
	begun := time.Now()
	answer, err := i.begin(begun, request)
	if err != nil {
		return function.Response{}, err
	}
	response := function.Response{}
	if i.initializing {
		response.InitDuration = i.initDuration
	}
	select {
	case outcome := <-answer:
		i.fill(&response, outcome)
	case <-i.done:
		select {
		case outcome := <-answer: // it answered, and went
			i.fill(&response, outcome)
		default:
			if err := i.fillEnd(&response); err != nil {
				return function.Response{}, err
			}
		}
	case <-i.stuck:
		response.ErrorType, response.Message = function.ErrorTimeout, i.timeoutMessage()
	case <-ctx.Done():
		i.kill(closed)
		return function.Response{}, ctx.Err()
	}
	response.Duration = time.Since(begun)
	i.initializing = false
	if request.Measure {
		response.MaxMemoryMB = i.maxMemoryMB(response.Duration)
	}
	i.output.drain()
	i.output.flushPart()
	return response, nil
}

// begin starts the function's timeout and offers the invocation. A process that ended before is no fault of the
// function, unless it is the function's first invocation.
func (i *instance) begin(now time.Time, request function.Request) (<-chan runtime.Outcome, error) {
	timeout := i.spec.Function.Timeout
	i.mu.Lock()
	gone := i.reaped || i.cause != exited
	if !gone {
		i.settled = request.Settled
		i.invoked = true
		i.deadline = now.Add(timeout)
		i.timer.Reset(timeout)
	}
	i.mu.Unlock()
	i.memory.rouse()
	i.freezer.wake()
	if gone && !i.initializing {
		request.Settled()
		return nil, function.ErrInstanceGone
	}
	if gone {
		request.Settled()
		return nil, nil // the end of the process is the answer
	}
	answer, err := i.api.Begin(runtime.Invocation{
		RequestID: request.ID, FunctionARN: request.FunctionARN, TraceID: request.TraceID,
		ClientContext: request.ClientContext, Deadline: now.Add(timeout), Payload: request.Payload, Settled: i.settle,
	})
	if err != nil {
		i.kill(closed)
		return nil, err
	}
	return answer, nil
}

// settle is called when the process asks for its next invocation, and its extensions for their next event.
func (i *instance) settle() {
	i.mu.Lock()
	i.timer.Stop()
	i.deadline = time.Time{}
	settled := i.settled
	i.settled = nil
	i.mu.Unlock()
	i.freezer.rest() // before the next invocation can wake it
	if settled != nil {
		settled()
	}
}

// fill takes the runtime's answer over.
func (i *instance) fill(response *function.Response, outcome runtime.Outcome) {
	response.Payload = outcome.Payload
	if response.Payload == nil {
		response.Payload = []byte{}
	}
	if outcome.Failed {
		response.ErrorType = outcome.ErrorType
	}
}

// fillEnd makes the answer of a process that ended without one. One that ended while it was idle has not seen the
// invocation.
func (i *instance) fillEnd(response *function.Response) error {
	i.mu.Lock()
	why := i.cause
	i.mu.Unlock()
	switch {
	case why == closed:
		return errClosed
	case why == expired:
		response.ErrorType, response.Message = function.ErrorTimeout, i.timeoutMessage()
	case !i.initializing && !i.api.Taken():
		return function.ErrInstanceGone
	default:
		response.ErrorType, response.Message = i.exitType(), i.exitMessage()
	}
	return nil
}

func (i *instance) timeoutMessage() string {
	return fmt.Sprintf("Task timed out after %.2f seconds", i.spec.Function.Timeout.Seconds())
}

// exitType says whether the process ended for want of memory, or after an extension had failed.
func (i *instance) exitType() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cause == exceeded || i.end.OutOfMemory && i.end.Status.Signaled() {
		return function.ErrorOutOfMemory
	}
	if failure := i.api.ExtensionFailure(); failure != "" {
		return failure
	}
	return function.ErrorExit
}

// exitMessage says how the process ended.
func (i *instance) exitMessage() string {
	switch status := i.end.Status; {
	case status.Signaled():
		return "Runtime exited with error: signal: " + status.Signal().String()
	case status.ExitStatus() == 0:
		return "Runtime exited without providing a reason"
	default:
		return fmt.Sprintf("Runtime exited with error: exit status %d", status.ExitStatus())
	}
}

// expire is called when an invocation has run out of time, and once more when that did not end the process.
func (i *instance) expire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.reaped:
	case i.cause == expired:
		close(i.stuck)
	case i.deadline.IsZero() || time.Now().Before(i.deadline):
		// It was answered in the last moment, and this call is late.
	default:
		i.killLocked(expired)
		i.timer.Reset(killGrace)
	}
}

// kill ends the whole group of the process.
func (i *instance) kill(why cause) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.killLocked(why)
}

func (i *instance) killLocked(why cause) {
	if i.reaped || i.cause != exited {
		return
	}
	i.cause = why
	_ = syscall.Kill(-i.child.PID(), syscall.SIGKILL)
}

// Done is closed when the process has ended.
func (i *instance) Done() <-chan struct{} { return i.done }

// terminateGrace is how long a process with an extension in it may take to end when it is told to.
const terminateGrace = 500 * time.Millisecond

// terminate asks a process that has registered an extension to end, and waits for a while. Others are not asked, as at AWS.
func (i *instance) terminate() {
	i.mu.Lock()
	runs := !i.reaped && i.cause == exited
	i.mu.Unlock()
	if all, _ := i.api.Extensions(); all == 0 || !runs {
		return
	}
	i.freezer.wake()
	if family := i.child.family(); len(family) > 0 {
		_ = syscall.Kill(family[0], syscall.SIGTERM)
	}
	timer := time.NewTimer(terminateGrace)
	defer timer.Stop()
	select {
	case <-i.done:
	case <-timer.C:
	}
}

// Close kills the process and returns when it is reaped and nothing of the instance is left.
func (i *instance) Close() {
	i.terminate()
	i.kill(closed)
	<-i.done
	i.api.Close()
	i.life.Wait()
}
