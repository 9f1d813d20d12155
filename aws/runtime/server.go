package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// MaxResponseBytes is the longest response, in bytes, that a runtime may give.
const MaxResponseBytes = 6291556

// maxHeaderBytes leaves room for the X-Ray cause, which runtimes send as a header of up to 1 MiB.
const maxHeaderBytes = 2 << 20

// Errors of Begin.
var (
	// ErrClosed says that the server has been closed.
	ErrClosed = errors.New("runtime api is closed")
	// ErrBusy says that the runtime has an invocation already.
	ErrBusy = errors.New("runtime has an invocation already")
)

// Invocation is one piece of work for the runtime.
type Invocation struct {
	RequestID string
	// FunctionARN is the function as it was invoked, with a qualifier only when one was given.
	FunctionARN string
	TraceID     string
	// ClientContext is JSON, or empty.
	ClientContext string
	// Deadline is when the invocation will be stopped.
	Deadline time.Time
	// Payload is read, never changed, until the invocation is settled.
	Payload []byte
	// Stream, unless nil, gets the parts of a response that the runtime streams, as they come. Each belongs to the receiver,
	// who takes all of them until the answer arrives; the runtime waits for him meanwhile.
	Stream chan<- []byte
	// Began is called before the first part, with the type of the response's content. It goes with Stream.
	Began func(contentType string)
	// Settled, unless nil, is called once when the runtime asks for its next invocation after having answered this
	// one, and the extensions that were told of it for their next event. It is called from a goroutine of the server and must not wait for the server to close.
	Settled func()
}

// Outcome is the runtime's answer to an Invocation.
type Outcome struct {
	// Payload is the response, or the error document as the runtime wrote it. It belongs to the receiver.
	Payload []byte
	// Streamed says that the response went to Invocation.Stream, and that Payload has nothing of it.
	Streamed bool
	// Failed says that Payload is an error document.
	Failed bool
	// ErrorType classifies an error: "Runtime.X" or "Function.X".
	ErrorType string
}

// Failure is what a runtime reported instead of initializing.
type Failure struct {
	Payload   []byte
	ErrorType string
}

// Function is what extensions are told of the function whose environment they are in.
type Function struct {
	Name, Version, Handler, AccountID string
	// Extensions are the names of the external extensions that are going to register.
	Extensions []string
	// JSONLogs says that what the function prints are JSON documents.
	JSONLogs bool
	// Subscribed, unless nil, is called when an extension has subscribed to telemetry, before it knows. What is told by Publish
	// in it is the first that the extension hears after what was published before.
	Subscribed func(Subscription)
}

// state is where the runtime or an extension stands; the texts appear in refusals.
type state string

const (
	started        state = "Started"
	initFailed     state = "InitError"
	ready          state = "Ready"
	running        state = "Running"
	answering      state = "InvocationResponse"
	answeringError state = "InvocationErrorResponse"
	answered       state = "RuntimeResponseSentState"
)

// exchange is an invocation on its way.
type exchange struct {
	Invocation
	outcome chan Outcome // holds one
}

// Server serves the Runtime API to one execution environment.
type Server struct {
	function   Function
	listener   net.Listener
	http       http.Server
	work       chan *exchange // holds one; emptied by whoever asks for the next invocation
	registered chan struct{}  // closed when all external extensions have registered
	ready      chan struct{}  // closed when the runtime and all extensions have asked for the first time
	failed     chan Failure   // holds one
	closing    chan struct{}
	once       sync.Once
	serving    sync.WaitGroup // the accept loop and every connection
	relay      relay

	mu               sync.Mutex
	state            state
	initialized      bool // ready is closed
	allRegistered    sync.Once
	busy             bool          // an invocation was begun and is not settled
	taken            bool          // it reached the runtime
	current          *exchange     // it, from then on
	done             bool          // the runtime has answered it and asked for the next
	asked            chan struct{} // of the latest who asked for work; closed when another one asks
	extensions       []*extension
	extensionFailure string // the first that an extension reported
}

// Listen opens a server on a free loopback port. Who connects waits until Serve is called. What goes wrong in a conversation is
// logged at debug level.
func Listen(log *slog.Logger, f Function) (*Server, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime api: %w", err)
	}
	s := &Server{
		function:   f,
		listener:   listener,
		work:       make(chan *exchange, 1),
		registered: make(chan struct{}),
		ready:      make(chan struct{}),
		failed:     make(chan Failure, 1),
		closing:    make(chan struct{}),
		state:      started,
	}
	s.relay.jsonLines, s.relay.open = f.JSONLogs, true
	for _, name := range f.Extensions {
		s.extensions = append(s.extensions, newExtension(name, true))
	}
	s.noteRegistered()
	s.http = http.Server{
		Handler:        http.HandlerFunc(s.serveHTTP),
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnState:      s.countConnections,
		BaseContext:    func(net.Listener) context.Context { return context.Background() },
	}
	return s, nil
}

// Serve begins to serve those who are admitted, everybody when admit is nil, and returns; it is called once. Serving ends with Close.
func (s *Server) Serve(admit Admission) {
	s.serving.Go(func() { _ = s.http.Serve(gate{s.listener, admit, make(chan struct{}, maxConnections), s.closing}) })
}

// countConnections lets Close wait for the goroutine of every connection.
func (s *Server) countConnections(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.serving.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.serving.Done()
	}
}

// Address is the host:port that the runtime finds in AWS_LAMBDA_RUNTIME_API.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Ready is closed when the environment has initialized: when the runtime asked for an invocation for the first time, and
// every extension for an event.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// InitFailed yields what the runtime reported instead of initializing, at most once.
func (s *Server) InitFailed() <-chan Failure { return s.failed }

// Begin offers an invocation to the runtime, which takes it when it asks for the next. The answer arrives on the
// returned channel, at most once; a runtime that goes away never answers. The invocation before must be settled,
// otherwise ErrBusy is returned.
func (s *Server) Begin(inv Invocation) (<-chan Outcome, error) {
	x := &exchange{Invocation: inv, outcome: make(chan Outcome, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return nil, ErrClosed
	default:
	}
	if s.busy {
		return nil, ErrBusy
	}
	s.busy, s.taken, s.done = true, false, false
	s.tell(x)
	s.work <- x // has room: it holds one, and only an invocation that is not settled can be in it
	return x.outcome, nil
}

// Taken reports whether the newest invocation reached the runtime.
func (s *Server) Taken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Close stops serving, breaks open conversations and returns when none of the server's goroutines is left. It may be
// called more than once.
func (s *Server) Close() {
	s.once.Do(func() {
		s.mu.Lock()
		close(s.closing)
		s.mu.Unlock()
		_ = s.http.Close()
		_ = s.listener.Close() // which the other does not know if it has not served
	})
	s.serving.Wait()
	s.relay.close()
}
