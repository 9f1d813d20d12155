package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/millrace/millrace/aws/runtime"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process/sandbox"
)

// errClosed is what an invocation gets whose instance was closed.
var errClosed = errors.New("instance was closed")

// errorCrash is the type of the error when an extension has ended that was not told to.
const errorCrash = "Extension.Crash"

// killGrace is how long a killed process may take to end. The kernel may hold one up that waits for a broken disk; its
// invocation is then answered without it.
const killGrace = 5 * time.Second

// cause says why a process was killed.
type cause int

const (
	exited   cause = iota // it was not
	expired               // an invocation ran out of time
	exceeded              // it used more memory than it may
	crashed               // an extension has ended
	closed
)

// instance is the process of a runtime, with its Runtime API and the extensions beside it.
type instance struct {
	spec     function.Spec
	api      *runtime.Server
	output   *output
	company  *company // nil without external extensions
	memory   *memory
	freezer  *freezer      // nil when it is never frozen
	end      sandbox.End   // once done is closed
	done     chan struct{} // closed when the process was reaped and its output read
	gone     chan struct{} // closed when the extensions have ended, too
	stuck    chan struct{} // closed when it was killed and does not end
	stopping chan struct{} // closed when it is being ended
	closing  chan struct{} // closed when nobody needs it any more
	closed   sync.Once
	life     sync.WaitGroup
	limit    time.Duration // of an end with extensions

	// Only the invoker looks at these.
	initializing bool          // until the first invocation was answered
	asked        time.Time     // when the kernel was asked for resident
	resident     int64         // the most that the program had resident until then, in bytes
	initDuration time.Duration // 0 when it had not initialized in time

	child atomic.Pointer[child] // nil until it is started

	mu        sync.Mutex
	launched  bool  // the runtime was started
	unstarted error // why there is no runtime
	reaped    bool
	cause     cause
	killed    bool
	ending    time.Time          // when it began to be ended
	took      time.Duration      // until the runtime had ended
	missing   syscall.WaitStatus // of the extension that has ended, when cause is crashed
	invoked   bool               // since the memory was looked at
	timer     *time.Timer        // expire
	deadline  time.Time          // when the invocation under way runs out of time; zero when there is none
	settled   func()             // of the invocation under way
}

// Start starts the process and waits until it asks for its first invocation.
func (e *Executor) Start(ctx context.Context, spec function.Spec) (function.Instance, error) {
	argv, in, err := e.command(ctx, spec)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	i, err := e.launch(ctx, spec, argv, in)
	if failure, ok := errors.AsType[*function.InitError](err); ok {
		failure.Duration = time.Since(begun)
		spec.Log.Tell(spec.InitReport(failure.Duration, function.StatusError, failure.ErrorType))
	}
	if err != nil {
		return nil, err
	}
	limit := time.NewTimer(e.initLimit)
	defer limit.Stop()
	select {
	case <-i.api.Ready():
		i.initDuration = time.Since(begun)
		i.tellInit(i.initDuration, function.StatusSuccess, "")
		return i, nil
	case <-limit.C:
		i.tellInit(e.initLimit, function.StatusTimeout, "")
		return i, nil
	case report := <-i.api.InitFailed():
		return nil, i.failedInit(begun, &function.InitError{ErrorType: report.ErrorType, Payload: report.Payload})
	case <-i.done:
		select {
		case report := <-i.api.InitFailed(): // it reported, and went
			return nil, i.failedInit(begun, &function.InitError{ErrorType: report.ErrorType, Payload: report.Payload})
		default:
		}
		if i.unstarted != nil {
			i.Close()
			return nil, i.unstarted
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
	if i.company == nil {
		i.Close() // what it prints until its end belongs before
	}
	i.tellInit(failure.Duration, function.StatusError, failure.ErrorType)
	i.Close()
	return failure
}

// drain has everything in the log that has been printed.
func (i *instance) drain() {
	i.output.drain()
	if i.company != nil {
		i.company.output.drain()
	}
}

// tellInit tells how the initialization went.
func (i *instance) tellInit(d time.Duration, status, errorType string) {
	i.drain()
	i.mu.Lock()
	launched := i.launched
	i.mu.Unlock()
	if launched {
		i.spec.Log.Tell(i.spec.InitRuntimeDone(status, errorType))
	}
	tellExtensions(i.spec.Log, i.api.Roster())
	i.spec.Log.Tell(i.spec.InitReport(d, status, errorType))
}

// launch opens the Runtime API, starts the processes, and begins to watch over them.
func (e *Executor) launch(ctx context.Context, spec function.Spec, argv []string, in interpreter) (*instance, error) {
	keys, err := e.credentials(spec.Function)
	if err != nil {
		return nil, err
	}
	extensions, err := findExtensions(spec)
	if err != nil {
		return nil, err
	}
	if len(extensions) > runtime.MaxExtensions {
		return nil, launchFailure(spec.Log, extensions, runtime.MaxExtensions, errTooMany)
	}
	api, err := listen(e.log, spec, extensions)
	if err != nil {
		return nil, err
	}
	out, write, err := newOutput(spec.Log.WriteLine)
	if err != nil {
		api.Close()
		return nil, err
	}
	i := &instance{
		spec: spec, api: api, output: out, initializing: true, memory: newMemory(spec.Function.MemoryMB),
		done: make(chan struct{}), gone: make(chan struct{}), stuck: make(chan struct{}), stopping: make(chan struct{}),
		closing: make(chan struct{}), limit: e.endLimit,
	}
	i.timer = time.AfterFunc(time.Hour, i.expire)
	i.timer.Stop()
	if !e.neverFreeze {
		i.freezer = newFreezer(i.family)
	}
	i.life.Go(out.run)
	vars := e.environment(spec, api.Address(), in, keys)
	s := stage{executor: e, out: write, program: program{argv: argv, env: vars, dir: e.places(spec).code, mounts: in.mounts()}}
	if len(extensions) > 0 {
		if err := i.expectExtensions(&s, extensions); err != nil {
			i.abandon()
			return nil, errors.Join(err, write.Close())
		}
	}
	started := make(chan error, 1)
	i.life.Go(func() { i.live(ctx, s, started) })
	if err := <-started; err != nil {
		i.abandon()
		return nil, err
	}
	i.life.Go(i.watchMemory)
	return i, nil
}

// listen opens the Runtime API of an instance. What is told of the instance is published there as soon as somebody may want to
// hear of it.
func listen(log *slog.Logger, spec function.Spec, extensions []string) (*runtime.Server, error) {
	var api *runtime.Server
	follow := func() { spec.Log.Follow(func(t function.Telemetry) { api.Publish(runtime.Telemetry(t)) }) }
	api, err := runtime.Listen(log, runtime.Function{
		Name: spec.Function.Name.Name, Version: spec.Version, Handler: spec.Function.Handler, AccountID: spec.Function.Account,
		Extensions: extensions, JSONLogs: spec.Function.LogFormat == function.LogJSON,
		Subscribed: func(s runtime.Subscription) {
			follow()
			spec.Log.Tell(function.Subscription(s.API, s.Name, s.State, s.Types))
		},
	})
	if err == nil && len(extensions) > 0 {
		follow()
	}
	return api, err
}

// expectExtensions makes place for the external extensions.
func (i *instance) expectExtensions(s *stage, names []string) error {
	out, write, err := newOutput(i.spec.Log.WriteExtensionLine)
	if err != nil {
		return err
	}
	i.company = &company{output: out}
	i.life.Go(out.run)
	s.extensionsOut = write
	s.program.extensions = names
	s.program.extensionEnv = environmentOfExtensions(s.program.env, i.spec.Function.Environment)
	return nil
}

// abandon clears up an instance none of whose processes was started.
func (i *instance) abandon() {
	i.output.close()
	if i.company != nil {
		i.company.output.close()
	}
	i.api.Close()
	i.life.Wait()
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
	if response.ErrorType == function.ErrorTimeout { // how long the processes took to end is not the invocation's
		response.Duration = min(response.Duration, i.spec.Function.Timeout)
	}
	i.initializing = false
	if request.Measure {
		response.MaxMemoryMB = i.maxMemoryMB(response.Duration)
	}
	i.drain()
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
		ClientContext: request.ClientContext, Deadline: now.Add(timeout), Payload: request.Payload, Stream: request.Stream, Began: request.Began, Settled: i.settle,
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
	if i.cause == exited {
		i.timer.Stop()
	}
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
	why, unstarted := i.cause, i.unstarted
	i.mu.Unlock()
	if unstarted != nil {
		failure, ok := errors.AsType[*function.InitError](unstarted)
		if !ok {
			return unstarted
		}
		response.ErrorType, response.Message = failure.ErrorType, failure.Message
		return nil
	}
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
	if i.cause == crashed {
		return errorCrash
	}
	return function.ErrorExit
}

// exitMessage says how the process ended, or the extension without which it could not go on.
func (i *instance) exitMessage() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.cause == crashed && i.missing.Exited() && i.missing.ExitStatus() == 0:
		return "exit code 0"
	case i.cause == crashed:
		return exitText(i.missing)
	case i.end.Status.Exited() && i.end.Status.ExitStatus() == 0:
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + exitText(i.end.Status)
}
