package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// change is what a stream that is UPDATING is on its way to. It stands in the stream's document, so that a stream that
// is found UPDATING after a restart goes on. What it says appears together with ACTIVE, and nothing of it before. A
// member with its zero value leaves things as they are.
type change struct {
	Mode           Mode    `json:"mode,omitempty"`
	MaxRecordBytes int     `json:"max_record_bytes,omitempty"`
	KeyID          *string `json:"key_id,omitempty"` // "" ends encryption
	WarmMiBps      *int    `json:"warm_mibps,omitempty"`
}

// apply makes the change in a stream. What a change does to shards is not done here: see transit.
func (c *change) apply(st *Stream) {
	if c.Mode != "" {
		st.Mode = c.Mode
	}
	if c.MaxRecordBytes != 0 {
		st.MaxRecordBytes = c.MaxRecordBytes
	}
	if c.KeyID != nil {
		st.KeyID = *c.KeyID
	}
	if c.WarmMiBps != nil {
		st.WarmMiBps = *c.WarmMiBps
	}
}

// beginUpdate sends an ACTIVE stream through UPDATING: it returns when the change is durable and the stream UPDATING,
// and Run carries the change out when the delay of transitions has passed. Meanwhile records are put and read as
// before. f judges the request and returns the change; it is called when the stream is known to be ACTIVE and cannot
// change, and what f does to its copy of the stream counts at once (see edit).
//
// Errors: NotFoundError, StateError, and those of f.
func (s *Service) beginUpdate(ctx context.Context, name Name, f func(next *live) (change, error)) error {
	return s.edit(ctx, name, func(next *live) error {
		if next.stream.Status != StatusActive {
			return &StateError{Name: name, Status: next.stream.Status}
		}
		c, err := f(next)
		if err != nil {
			return err
		}
		next.stream.Status, next.since, next.change = StatusUpdating, s.clock.Now(), &c
		return nil
	})
}

// errUnchanged, from the function that is handed to edit, says that there is nothing to do.
var errUnchanged = errors.New("unchanged")

// edit changes a stream at once, in whatever status it is: it returns when the stream is durably what f made of it. f
// is given a copy and changes its fields; what they refer to (slices, maps) is shared with readers and must be replaced
// instead of changed. One edit goes on at a time. When f returns an error nothing happens.
//
// Errors: NotFoundError, and those of f.
func (s *Service) edit(ctx context.Context, name Name, f func(next *live) error) error {
	if err := s.takeControl(ctx); err != nil {
		return err
	}
	defer s.leaveControl()
	l, ok := s.find(name)
	if !ok {
		return &NotFoundError{name}
	}
	next := *l
	if err := f(&next); errors.Is(err, errUnchanged) {
		return nil
	} else if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := s.catalog.update(ctx, &next); err != nil {
		s.reread(ctx, name)
		return fmt.Errorf("change stream %s: %w", name, err)
	}
	s.publish(&next)
	if next.stream.Status == StatusDeleting {
		next.retire()
	}
	s.lookAgain()
	return nil
}

// finish ends UPDATING: the stream becomes ACTIVE as its change has it. The caller has control.
func (s *Service) finish(ctx context.Context, l *live) error {
	active := *l
	active.stream.Status, active.since, active.change = StatusActive, s.clock.Now(), nil
	if l.change != nil {
		l.change.apply(&active.stream)
	}
	if err := s.catalog.update(ctx, &active); err != nil {
		return err
	}
	s.publish(&active)
	return nil
}

// requests remembers when requests of some kinds were accepted, by the name of the operation and for as long as a limit
// asks for it. It is never changed: a new one takes its place.
type requests map[string][]time.Time

// within returns how many requests of the kind were accepted less than the period before now.
func (r requests) within(kind string, period time.Duration, now time.Time) int {
	n := 0
	for _, t := range r[kind] {
		if now.Sub(t) < period {
			n++
		}
	}
	return n
}

// with returns what is remembered when one more request of the kind is accepted now. Those that lie further back than
// the period are forgotten.
func (r requests) with(kind string, period time.Duration, now time.Time) requests {
	next := maps.Clone(r)
	if next == nil {
		next = make(requests)
	}
	kept := slices.DeleteFunc(slices.Clone(next[kind]), func(t time.Time) bool { return now.Sub(t) >= period })
	next[kind] = append(kept, now.UTC())
	return next
}
