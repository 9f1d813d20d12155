package function

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Waits of an event between its tries.
const (
	// failureWait is how long an event waits after its function has failed for the first time; it waits twice as long
	// after the second.
	failureWait = time.Minute
	// An event that did not reach its function waits from firstBackoff on, twice as long each time, to maxBackoff.
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
	// storeWait is how long an event waits when the store failed to keep what became of it.
	storeWait = 5 * time.Second
)

// condition is how an event ended, in AWS's words.
type condition string

const (
	succeeded        condition = "Success"
	retriesExhausted condition = "RetriesExhausted"
	ageExceeded      condition = "EventAgeExceeded"
	zeroReserved     condition = "ZeroReservedConcurrency"
	recursive        condition = "RecursiveInvocation" // AWS names none
)

// attempt is what came of one try.
type attempt struct {
	result *Result // nil when the function was not reached
	err    error   // why it was not
	zero   bool    // the function has no concurrency at all, and was not tried
}

// judge says how an event goes on after a try: with an end, or due again.
func judge(e event, c EventConfig, now time.Time, o attempt) (event, condition) {
	var wait time.Duration
	switch {
	case o.zero:
		return e, zeroReserved
	case errors.Is(o.err, ErrRecursive):
		return e, recursive
	case o.result == nil:
		wait = maxBackoff
		if e.Refusals < 9 { // 1 s doubled nine times is more than five minutes
			wait = min(maxBackoff, firstBackoff<<e.Refusals)
		}
		e.Refusals++
	case o.result.FunctionError == "":
		return e, succeeded
	default:
		e.Failures++
		e.Refusals = 0
		if e.Failures > c.retries() {
			return e, retriesExhausted
		}
		wait = failureWait * time.Duration(e.Failures)
	}
	e.Due = now.Add(wait)
	if e.Due.Sub(e.Received) > c.maximumAge() {
		return e, ageExceeded
	}
	return e, ""
}

// deliverEvents delivers events as they become due, until the context ends. It returns when none is under way.
func (s *Service) deliverEvents(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	for {
		ready, wait := s.backlog.take(s.clock.Now())
		for _, e := range ready {
			work.Go(func() { s.deliver(ctx, e) })
		}
		if !s.sleep(ctx, wait, s.backlog.wake) {
			return
		}
	}
}

// deliver tries one event once. What is not finished when the context ends is in the store as it was before.
func (s *Service) deliver(ctx context.Context, e *queued) {
	f, err := s.Find(ctx, e.About)
	if err != nil {
		s.finish(ctx, e) // what it was for is gone
		return
	}
	entry, err := s.lookup(e.About.Name)
	if err != nil {
		s.finish(ctx, e)
		return
	}
	c := entry.eventConfigs[e.About.withLatest().Qualifier]
	o, err := s.tryEvent(ctx, entry, e, c)
	if err != nil {
		s.postpone(ctx, e, err)
		return
	}
	next, end := judge(e.event, c, s.clock.Now(), o)
	if end == "" {
		s.again(ctx, e, next, o)
		return
	}
	e.event = next
	if err := s.report(ctx, &ending{event: e, function: f, config: c, outcome: o, condition: end, at: s.clock.Now()}); err != nil {
		s.postpone(ctx, e, err)
		return
	}
	if end != succeeded {
		s.recordEvent(e.About, AsyncEventsDropped, 1)
	}
	s.finish(ctx, e)
}

// tryEvent invokes the function. The error is about the event: it cannot be read, or the room stops.
func (s *Service) tryEvent(ctx context.Context, entry *entry, e *queued, c EventConfig) (attempt, error) {
	if entry.Reserved != nil && *entry.Reserved == 0 {
		return attempt{zero: true}, nil
	}
	age := s.clock.Since(e.Received)
	if age > c.maximumAge() {
		return attempt{err: errors.New("event is too old")}, nil // it waited for the server to start
	}
	payload, err := s.eventPayload(ctx, e)
	if err != nil {
		return attempt{}, err
	}
	s.recordEvent(e.About, AsyncEventAge, millis(age))
	result, err := s.Invoke(ctx, Invocation{
		Ref: e.About, RequestID: e.RequestID, Payload: payload, Vouched: true, ClientContext: e.ClientContext, TraceID: e.TraceID,
	})
	switch {
	case err == nil:
		return attempt{result: &result}, nil
	case ctx.Err() != nil, errors.Is(err, ErrStopped):
		return attempt{}, err
	}
	return attempt{err: err}, nil
}

func (s *Service) eventPayload(ctx context.Context, e *queued) ([]byte, error) {
	kept, err := s.tables.Get(ctx, eventPayloads, e.key)
	return kept.Value, err
}

// again keeps that an event goes on.
func (s *Service) again(ctx context.Context, e *queued, next event, o attempt) {
	put, err := s.events.Write(e.key, next, 0)
	if err == nil {
		err = s.tables.Commit(ctx, put)
	}
	if err != nil && ctx.Err() == nil {
		// The next try comes when it would have; only a crash before it would forget that there was this one.
		s.log.Warn("state of an event cannot be stored", "function", e.About.ARN(), "err", err)
	}
	e.event = next
	var throttled *ThrottledError
	s.back(ctx, e, errors.As(o.err, &throttled))
}

// back makes an event wait again, unless its function has been deleted meanwhile.
func (s *Service) back(ctx context.Context, e *queued, throttled bool) {
	if !s.backlog.back(e, throttled) {
		s.clearEvents(ctx, []string{e.key}, nil)
	}
}

// postpone ends a try that came to nothing.
func (s *Service) postpone(ctx context.Context, e *queued, err error) {
	if ctx.Err() == nil && !errors.Is(err, ErrStopped) {
		s.log.Error("event cannot be delivered yet", "function", e.About.ARN(), "request", e.RequestID, "err", err, "retry", storeWait)
	}
	e.Due = s.clock.Now().Add(storeWait)
	s.back(ctx, e, false)
}

// finish removes an event of which nothing more is to be done. It keeps its place in the backlog until it is gone, which bounds
// those that could not be removed.
func (s *Service) finish(ctx context.Context, e *queued) {
	if s.clearEvents(ctx, []string{e.key}, func() { s.backlog.forget(e) }) {
		s.backlog.done(e)
	} else {
		s.backlog.rest(e)
	}
}
