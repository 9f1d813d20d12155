package function

import (
	"context"
	"time"
)

// Executor runs functions: as processes of this machine, or elsewhere.
type Executor interface {
	// Check reports whether the function can be run here: nil, a *RuntimeMissingError when it lacks what the runtime
	// needs, or another error when that could not be found out. It starts nothing that stays.
	Check(ctx context.Context, spec Spec) error

	// Elsewhere reports whether the function's instances run on other machines. They need no place among the processes of this
	// one, so that there may be as many as the limits of concurrency allow. It is always the same for the same settings.
	Elsewhere(f Function) bool

	// Start starts an instance and waits until it is ready for an invocation, or until an initialization that takes
	// too long has to go on within the first one. A function that fails to initialize is an *InitError; anything else
	// is a failure of the executor. When ctx ends first, the start is given up and ctx's error returned. Nothing of an
	// instance that was not returned is left.
	Start(ctx context.Context, spec Spec) (Instance, error)
}

// Spec says what an instance is made of.
type Spec struct {
	// Function is the function with its settings.
	Function Function
	// Version is the version it runs as.
	Version string
	// CodeDir is the folder of the extracted code. It stays until the instance is closed and is not to be changed.
	CodeDir string
	// LayersDir is the folder of the function's layers, merged, as CodeDir is for the code; empty when there are none.
	LayersDir string
	// LogStream names the instance in its function's log.
	LogStream string
	// Provisioned says that the instance is started ahead of invocations.
	Provisioned bool
	// Log takes what the instance prints.
	Log LogWriter
}

// InitializationType is how AWS calls the way in which the instance came into being.
func (s Spec) InitializationType() string {
	if s.Provisioned {
		return "provisioned-concurrency"
	}
	return "on-demand"
}

// LogWriter takes what one instance prints, and what befalls it. Nothing of it blocks.
type LogWriter interface {
	// WriteLine takes a line without its end; the slice is the caller's again when it returns.
	WriteLine(line []byte)
	// WriteExtensionLine takes a line that an external extension prints in the same way.
	WriteExtensionLine(line []byte)
	// Tell takes what the platform has to tell.
	Tell(e PlatformEvent)
	// Follow has everything told to a follower too: how the environment began, and what comes from now on, from many
	// goroutines. There is one, the first.
	Follow(follower func(Telemetry))
}

// Instance is one running function. It takes one invocation at a time.
type Instance interface {
	// Invoke runs one invocation and returns its answer, whether it is a response or an error of the function; a
	// function that runs past its timeout is stopped. The error is ErrInstanceGone when the instance ended before the
	// invocation reached it, ctx's when ctx ended first, which stops the instance; anything else is a failure of the
	// executor. Everything that the function printed until its answer has been written to the log.
	Invoke(ctx context.Context, request Request) (Response, error)

	// Done is closed when the instance has ended and takes no invocation any more.
	Done() <-chan struct{}

	// Close stops the instance and returns when nothing of it is left: no process, no goroutine, no socket. It may be
	// called more than once and while an invocation runs.
	Close()
}

// Request is an invocation as an instance gets it.
type Request struct {
	ID string
	// FunctionARN is the function as it was invoked.
	FunctionARN   string
	TraceID       string
	ClientContext string // JSON, or empty
	Payload       []byte // JSON; read only
	// Stream, unless nil, gets the parts of a response that the function streams, as they come. Each belongs to the
	// receiver, who takes all of them until Invoke returns.
	Stream chan<- []byte
	// Began is called before the first part, with the type of the response's content. It goes with Stream.
	Began func(contentType string)
	// Measure asks for Response.MaxMemoryMB.
	Measure bool
	// Settled is called once for every invocation, from any goroutine: when the instance is ready for the next one, or
	// has ended. That may be before Invoke returns and a while after it. It does not block.
	Settled func()
}

// Response is the answer to a Request.
type Response struct {
	// Payload is the response, or the document of the error when the function reported one; empty for a response that was
	// streamed.
	Payload []byte
	// ErrorType is empty for a response, and otherwise the type of the error: Runtime.X, Function.X, Sandbox.X.
	ErrorType string
	// Message says what happened when the platform found the error and the function reported none; Payload is nil then.
	Message string
	// Uninitialized says that the function failed before it had the invocation, whether or not it reported why.
	Uninitialized bool
	// Duration is how long the function had the invocation.
	Duration time.Duration
	// InitDuration is how long the instance took to initialize, on its first invocation; 0 on others.
	InitDuration time.Duration
	// MaxMemoryMB is the most memory that the instance used until now, 0 when it is not known.
	MaxMemoryMB int
}

// Types of the errors that the platform finds.
const (
	ErrorTimeout        = "Sandbox.Timedout"
	ErrorExit           = "Runtime.ExitError"
	ErrorOutOfMemory    = "Runtime.OutOfMemory"
	ErrorEntrypoint     = "Runtime.InvalidEntrypoint"
	ErrorResponseTooBig = "Function.ResponseSizeTooLarge"
)

// InitError says that a function failed to initialize.
type InitError struct {
	// ErrorType is the type of the error: Runtime.X.
	ErrorType string
	// Payload is the document that the function reported, or nil.
	Payload []byte
	// Message says what happened when there is no document.
	Message string
	// Duration is how long it took.
	Duration time.Duration
}

func (e *InitError) Error() string { return "initialize function: " + e.ErrorType + " " + e.Message }
