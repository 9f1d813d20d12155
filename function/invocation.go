package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// MaxPayloadBytes bounds the payload of an invocation.
const MaxPayloadBytes = 6291456

// maxErrorTypeBytes bounds the type of an error that a function names itself.
const maxErrorTypeBytes = 256

// maxTries bounds how often an invocation is made anew because its function was updated, or its environment found dead,
// before the function saw it.
const maxTries = 5

// Invocation asks for one run of a function.
type Invocation struct {
	Ref
	// RequestID is made when it is empty. Who retries keeps it.
	RequestID string
	// Payload is JSON, or empty, which means {}. It must not change until Invoke returns.
	Payload []byte
	// Vouched says that the caller made the payload itself, so that it need not be parsed to know that it is JSON.
	Vouched bool
	// ClientContext is JSON, or empty.
	ClientContext string
	// TraceID is the header X-Amzn-Trace-Id of who asks, or empty: the chain of invocations that this one is in.
	TraceID string
	// Tail asks for Result.LogTail.
	Tail bool
	// Stream, unless nil, takes the response of a function that streams it. One that does not has it in Result.Payload.
	Stream *Stream
}

// Stream takes a response in parts, as they come. The function waits for who receives them.
type Stream struct {
	// ExecutedVersion and ContentType are set before the first part.
	ExecutedVersion, ContentType string
	// Parts is not buffered. Who invokes receives until the invocation has ended; each part is his.
	Parts chan []byte
}

// NewStream returns a stream for one invocation.
func NewStream() *Stream { return &Stream{Parts: make(chan []byte)} }

// Result is what became of an Invocation that reached its function.
type Result struct {
	ExecutedVersion string
	// FunctionError is empty when the function succeeded and "Unhandled" when it did not, however it failed.
	FunctionError string
	// ErrorType classifies a failure: Runtime.X, Function.X or Sandbox.X. Reason may know more.
	ErrorType string
	// Payload is the response or the error's document. It belongs to the receiver.
	Payload []byte
	// LogTail is the end of the invocation's log, at most 4 KiB.
	LogTail []byte
	// LogStream names the instance that ran in its function's log.
	LogStream string
	RequestID string
	Duration  time.Duration
	// InitDuration is how long the environment took to initialize, when the invocation was Cold.
	InitDuration time.Duration
	// Cold says that an instance was started for the invocation.
	Cold bool
}

// Invoke runs a function once and waits for its answer. A function that fails is a Result; the error is a
// *NotFoundError, *NotReadyError, *PayloadTooLargeError, *InvalidPayloadError, *ThrottledError, ErrRecursive, ErrStopped, or a
// failure of what runs functions. When ctx ends first, the function is stopped and ctx's error returned.
func (s *Service) Invoke(ctx context.Context, in Invocation) (Result, error) {
	result, err := s.invoke(ctx, in)
	s.recordEnd(in.Ref, &result, err)
	return result, err
}

func (s *Service) invoke(ctx context.Context, in Invocation) (Result, error) {
	if len(in.Payload) > MaxPayloadBytes {
		return Result{}, &PayloadTooLargeError{Limit: MaxPayloadBytes}
	}
	if err := s.pool.enter(); err != nil {
		return Result{}, err
	}
	defer s.pool.leave()
	if err := s.DryRun(ctx, in.Ref); err != nil {
		return Result{}, err
	}
	if len(in.Payload) == 0 {
		in.Payload = []byte("{}")
	} else if !in.Vouched {
		if err := checkJSON(in.Payload); err != nil {
			return Result{}, err
		}
	}
	if in.RequestID == "" {
		in.RequestID = uuid.NewString()
	}
	t := parseTrace(in.TraceID, s.clock.Now())
	if err := s.enter(&t, in.Ref); err != nil {
		return Result{}, err
	}
	in.TraceID = t.String()
	var err error
	for range maxTries {
		var result Result
		result, err = s.try(ctx, in)
		if !errors.Is(err, errRetired) && !errors.Is(err, ErrInstanceGone) {
			return result, err
		}
	}
	return Result{}, fmt.Errorf("invoke %s: %w", in.InvokedARN(), err)
}

// DryRun reports whether an invocation of the reference would be accepted now: nil, or the error of Invoke.
func (s *Service) DryRun(_ context.Context, ref Ref) error {
	_, err := s.invocable(ref, func() float64 { return 1 }) // the version that an alias stands for is the one to ask
	return err
}

// invocable returns what an invocation of the reference runs: an alias leads to the version that it stands for now, or by
// chance to the other one.
func (s *Service) invocable(ref Ref, random func() float64) (*deployment, error) {
	e, err := s.lookup(ref.Name)
	if err != nil {
		return nil, &NotFoundError{ARN: ref.InvokedARN()}
	}
	qualifier := ref.Qualifier
	if a, ok := e.aliases[qualifier]; ok {
		qualifier = a.choose(random)
	}
	d, state := e.deployment, e.Function.State
	if qualifier != "" && qualifier != Latest {
		v := e.version(qualifier)
		if v == nil {
			return nil, &NotFoundError{ARN: ref.InvokedARN()}
		}
		d, state = v.deployment, v.Function.State
	}
	if d == nil {
		return nil, &NotReadyError{ARN: ref.InvokedARN(), State: state}
	}
	return d, nil
}

// try runs the invocation in one environment.
func (s *Service) try(ctx context.Context, in Invocation) (Result, error) {
	d, err := s.invocable(in.Ref, s.random)
	if err != nil {
		return Result{}, err
	}
	e, err := s.pool.acquire(ctx, d)
	if err != nil {
		return Result{}, err
	}
	s.recordBegin(in.Qualifier, e)
	cold := e.instance == nil
	if cold {
		if err := s.start(ctx, e); err != nil {
			s.pool.discard(e)
			return s.failedStart(ctx, in, e, err)
		}
	}
	return s.run(ctx, in, e, cold)
}

// failedStart turns an error of the start into the invocation's result, when the function is to blame.
func (s *Service) failedStart(ctx context.Context, in Invocation, e *environment, err error) (Result, error) {
	var failure *InitError
	switch {
	case errors.As(err, &failure):
	case s.pool.isStopped():
		return Result{}, ErrStopped
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	default:
		return Result{}, fmt.Errorf("start %s: %w", in.InvokedARN(), err)
	}
	response := Response{
		Payload: failure.Payload, ErrorType: failure.ErrorType, Message: failure.Message, InitDuration: failure.Duration, Uninitialized: true,
	}
	now := s.clock.Now()
	r := report{id: in.RequestID, function: &e.deployment.function, begun: now, now: now}
	if in.Tail || e.log.wanted() {
		e.log.Tell(r.start())
		e.log.end(r, response)
	}
	return s.result(in, e, response, true), nil
}

// run gives the invocation to the environment's instance.
func (s *Service) run(ctx context.Context, in Invocation, e *environment, cold bool) (Result, error) {
	logged := in.Tail || e.log.wanted()
	r := report{id: in.RequestID, function: &e.deployment.function, begun: s.clock.Now()}
	if !cold {
		e.log.reset()
	}
	if logged {
		e.log.Tell(r.start())
	}
	request := Request{
		ID: in.RequestID, FunctionARN: in.ARN(), TraceID: in.TraceID, ClientContext: in.ClientContext, Payload: in.Payload,
		Measure: logged, Settled: func() { s.pool.settle(e) },
	}
	if in.Stream != nil {
		in.Stream.ExecutedVersion, request.Stream = e.deployment.function.Version, in.Stream.Parts
		request.Began = func(contentType string) { in.Stream.ContentType = contentType }
	}
	response, err := e.instance.Invoke(ctx, request)
	if err != nil {
		s.pool.discard(e)
		switch {
		case s.pool.isStopped():
			return Result{}, ErrStopped
		case ctx.Err() != nil, errors.Is(err, ErrInstanceGone):
			return Result{}, err
		}
		return Result{}, fmt.Errorf("invoke %s: %w", in.InvokedARN(), err)
	}
	if logged {
		r.now = s.clock.Now()
		e.log.end(r, response)
	}
	result := s.result(in, e, response, cold)
	s.pool.release(e)
	return result, nil
}

// result is what the caller gets for a response. It is made while the environment, and so its log, is the invocation's.
func (s *Service) result(in Invocation, e *environment, response Response, cold bool) Result {
	result := Result{
		ExecutedVersion: e.deployment.function.Version, Payload: response.Payload, RequestID: in.RequestID, LogStream: e.stream, Cold: cold,
		Duration: response.Duration, InitDuration: response.InitDuration,
	}
	if response.ErrorType != "" {
		result.FunctionError, result.ErrorType = "Unhandled", response.ErrorType
		if response.Payload == nil {
			result.Payload = failureDocument(in.RequestID, response)
		}
	}
	if in.Tail {
		result.LogTail = e.log.tailCopy()
	}
	return result
}

// failureDocument is the payload of an error that the platform found.
func failureDocument(id string, response Response) []byte {
	document, err := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage,omitempty"`
	}{response.ErrorType, failureMessage(id, response.Message)})
	if err != nil {
		return []byte("{}") // strings always marshal
	}
	return document
}

func failureMessage(id, message string) string {
	if message == "" {
		return ""
	}
	return "RequestId: " + id + " Error: " + message
}

// Reason is the type of a failure as who looks for its cause wants it: the ErrorType where that says something. The type that a
// runtime gives to an ordinary exception has not the platform's form, and is known only from the error's document.
func (r Result) Reason() string {
	if !strings.HasSuffix(r.ErrorType, ".Unknown") {
		return r.ErrorType
	}
	var document struct {
		ErrorType string `json:"errorType"`
	}
	if json.Unmarshal(r.Payload, &document) != nil || document.ErrorType == "" {
		return r.ErrorType
	}
	return clip(document.ErrorType, maxErrorTypeBytes)
}

// enter adds the invocation to its chain, or returns ErrRecursive when the function goes round in a circle, and may not.
func (s *Service) enter(t *trace, ref Ref) error {
	if t.enter(ref.Name) < maxLoops {
		return nil
	}
	if e, err := s.lookup(ref.Name); err != nil || e.RecursiveLoop == LoopAllow {
		return nil //nolint:nilerr // that the function is gone, the next who looks for it says
	}
	s.recordEvent(ref, RecursiveInvocationsDropped, 1)
	return fmt.Errorf("invoke %s: %w", ref.InvokedARN(), ErrRecursive)
}
