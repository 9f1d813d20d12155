package logs

import (
	"context"
	"time"
)

const (
	// MaxBatchBytes bounds the events of one Put, each with eventOverhead beside its message.
	MaxBatchBytes = 1 << 20
	// maxSpan is how far events of one Put may be apart.
	maxSpan = 24 * time.Hour
	// maxAge and maxAhead are how old events may be, and how far in the future.
	maxAge   = 14 * 24 * time.Hour
	maxAhead = 2 * time.Hour
)

// Rejected says which events of a Put were not taken: those before the index TooOld, or Expired, and those from TooNew on.
// Nil means that there are none.
type Rejected struct {
	TooOld  *int // older than 14 days
	Expired *int // older than the group keeps them
	TooNew  *int // more than 2 hours ahead
}

// Put adds events to a stream, in the order of their times, and returns when they are durable.
//
// Errors: ErrGroupNotFound, ErrStreamNotFound, TooLargeError, ErrOrder, ErrSpan.
func (s *Service) Put(ctx context.Context, n Name, name string, events []Event) (Rejected, error) {
	if err := checkBatch(events); err != nil {
		return Rejected{}, err
	}
	g, err := s.find(n)
	if err != nil {
		return Rejected{}, err
	}
	if err := g.enter(ctx); err != nil {
		return Rejected{}, err
	}
	defer g.leave()
	x := g.streams[name]
	if x == nil {
		return Rejected{}, ErrStreamNotFound
	}
	events, rejected := g.admit(events)
	if len(events) == 0 {
		return rejected, nil
	}
	entries := make([]entry, len(events))
	for i, e := range events {
		entries[i] = entry{x.number, e.Time.UnixMilli(), []byte(e.Message)}
	}
	return rejected, g.append(ctx, entries)
}

// checkBatch judges the events of a Put together.
func checkBatch(events []Event) error {
	bytes := 0
	for i, e := range events {
		bytes += len(e.Message) + eventOverhead
		if i > 0 && e.Time.Before(events[i-1].Time) {
			return ErrOrder
		}
	}
	if bytes > MaxBatchBytes {
		return &TooLargeError{bytes, MaxBatchBytes}
	}
	if len(events) > 0 && events[len(events)-1].Time.Sub(events[0].Time) > maxSpan {
		return ErrSpan
	}
	return nil
}

// admit returns the events whose times are such that they are taken. The caller has the turn.
func (g *group) admit(events []Event) ([]Event, Rejected) {
	now := g.s.clock.Now()
	var r Rejected
	first := func(late func(t time.Time) bool) int {
		for i, e := range events {
			if late(e.Time) {
				return i
			}
		}
		return len(events)
	}
	from := first(func(t time.Time) bool { return !t.Before(now.Add(-maxAge)) })
	if from > 0 {
		r.TooOld = new(from)
	}
	if g.row.Retention > 0 {
		cutoff := time.UnixMilli(g.cutoff(now))
		if i := first(func(t time.Time) bool { return !t.Before(cutoff) }); i > 0 {
			r.Expired = new(i)
			from = max(from, i)
		}
	}
	to := first(func(t time.Time) bool { return t.After(now.Add(maxAhead)) })
	if to < len(events) {
		r.TooNew = new(to)
	}
	if from >= to {
		return nil, r
	}
	return events[from:to], r
}
