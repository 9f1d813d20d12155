package function

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// MaxEventBytes bounds the payload of an asynchronous invocation.
const MaxEventBytes = 1048576

// eventPayloads is the table of payloads, each under the key of its event: they are read when they are needed, and are
// JSON as it came, without a version before it.
const eventPayloads = "function-event-payloads"

// event is an asynchronous invocation as the store keeps it, without its payload.
type event struct {
	About                             Ref
	RequestID, ClientContext, TraceID string
	Received                          time.Time
	Size                              int
	// Failures counts how often the function has failed on it, Refusals how often it has not reached the function
	// since it did so last, or ever.
	Failures, Refusals int
	// Due is when it is tried next.
	Due time.Time
}

// queued is an event in the backlog.
type queued struct {
	event
	key  string // of the event and its payload; keys have the order of arrival
	line *line  // its place in the backlog
}

func (e *queued) before(other *queued) int {
	return cmp.Or(e.Due.Compare(other.Due), cmp.Compare(e.key, other.key))
}

// InvokeAsync takes an invocation and returns when it is durable: the function is invoked later, at least once, and again
// when it fails, as its EventConfig has it. Tail asks for nothing here. The error is one of a *NotFoundError, *NotReadyError,
// *PayloadTooLargeError, *InvalidPayloadError, a *ThrottledError when too many events wait, or a failure of the store.
func (s *Service) InvokeAsync(ctx context.Context, in Invocation) error {
	if len(in.Payload) > MaxEventBytes {
		return &PayloadTooLargeError{Limit: MaxEventBytes}
	}
	if err := s.DryRun(ctx, in.Ref); err != nil {
		return err
	}
	payload := in.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if !in.Vouched {
		if err := checkJSON(payload); err != nil {
			return err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := s.clock.Now()
	setDefault(&in.RequestID, id.String())
	e := &queued{key: key(in.Name, id.String()), event: event{
		About: in.Ref, RequestID: in.RequestID, ClientContext: in.ClientContext, TraceID: parseTrace(in.TraceID, now).String(), Received: now, Size: len(payload), Due: now,
	}}
	if err := s.backlog.admit(e); err != nil {
		return err
	}
	put, err := s.events.Write(e.key, e.event, store.Absent)
	if err == nil {
		err = s.tables.Commit(ctx, put, store.Write{Table: eventPayloads, Key: e.key, Value: payload})
	}
	if store.InDoubt(err) {
		s.doubtEvent(e)
		return err
	}
	if err != nil {
		s.backlog.forget(e)
		return err
	}
	s.recordEvent(in.Ref, AsyncEventsReceived, 1)
	if !s.backlog.enqueue(e) { // deleted meanwhile
		s.clearEvents(ctx, []string{e.key}, nil)
	}
	return nil
}

// eventRemoval is what removes an event from the store.
func (s *Service) eventRemoval(key string) []store.Write {
	return []store.Write{s.events.Remove(key, 0), {Table: eventPayloads, Key: key, Delete: true}}
}

// loadEvents reads the events that wait. Those whose function is gone are removed.
func (s *Service) loadEvents(ctx context.Context) error {
	var gone []string
	for item, err := range s.events.Scan(ctx, "") {
		if err != nil {
			return err
		}
		e := &queued{event: item.Value, key: item.Key}
		if s.entries[e.About.Name] == nil {
			gone = append(gone, e.key)
			continue
		}
		s.backlog.restore(e)
	}
	return s.removeEvents(ctx, gone)
}

// removeEvents removes many events, some at a time.
func (s *Service) removeEvents(ctx context.Context, keys []string) error {
	const together = 1000
	var errs []error
	for len(keys) > 0 {
		n := min(together, len(keys))
		var writes []store.Write
		for _, key := range keys[:n] {
			writes = append(writes, s.eventRemoval(key)...)
		}
		errs = append(errs, s.tables.Commit(ctx, writes...))
		keys = keys[n:]
	}
	return errors.Join(errs...)
}

// clearEvents removes events of which nothing more is to be done, and reports whether they are gone. When the store fails the
// removal is made up for as doubts are settled, and then later, unless nil, is called: a start must not find them and deliver them
// again, maybe to another function of the same name.
func (s *Service) clearEvents(ctx context.Context, keys []string, later func()) bool {
	if len(keys) == 0 {
		return true
	}
	err := s.removeEvents(context.WithoutCancel(ctx), keys) // nor must a stop
	if err == nil {
		return true
	}
	s.log.Warn("events that have ended cannot be removed yet", "event", keys[0], "number", len(keys), "err", err)
	s.doubts.Add(store.Key("removal", keys[0]), func(ctx context.Context) error {
		err := s.removeEvents(ctx, keys)
		if err == nil && later != nil {
			later()
		}
		return err
	})
	s.poke()
	return false
}

// dropEvents forgets the events of a function that has been deleted.
func (s *Service) dropEvents(ctx context.Context, name Name) {
	s.clearEvents(ctx, s.backlog.drop(name), nil)
}
