package logs

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// tailEvery is how often a tail has something to say, tailEvents how many events it tells at a time: what AWS does.
	tailEvery  = time.Second
	tailEvents = 500
	// tailBytes bounds the messages that a tail keeps for its reader.
	tailBytes = 4 << 20
	// tailLife is how long a tail lasts.
	tailLife = 3 * time.Hour
	// maxTails bounds the tails of the room.
	maxTails = 100
)

var (
	// ErrTailOver says that a tail has lasted as long as it may.
	ErrTailOver = errors.New("the tail has ended")
	// ErrTooManyTails says that there can be no further tail now.
	ErrTooManyTails = errors.New("too many tails")
)

// TailFilter says which events a tail is for.
type TailFilter struct {
	Groups []Name
	// Streams and Prefixes name streams; without either all are meant.
	Streams, Prefixes []string
	Match             func(message []byte) bool
}

// Tailed is an event of a group.
type Tailed struct {
	Found
	Group Name
}

// Tail follows groups: it has what becomes durable from its beginning on. When more comes than it keeps, it has a sample.
type Tail struct {
	s      *Service
	filter TailFilter
	begun  time.Time
	ticks  time.Time // of the last answer

	mu      sync.Mutex
	events  []Tailed
	bytes   int
	sampled bool
}

// tails are those who follow.
type tails struct {
	mu   sync.Mutex
	all  map[*Tail]struct{}
	over chan struct{} // closed when the tails are to end; nil until one is asked for
}

// Tail begins to follow groups. The caller ends it with Close.
//
// Errors: ErrGroupNotFound, ErrTooManyTails.
func (s *Service) Tail(f TailFilter) (*Tail, error) {
	for _, n := range f.Groups {
		if _, err := s.find(n); err != nil {
			return nil, err
		}
	}
	now := s.clock.Now()
	t := &Tail{s: s, filter: f, begun: now, ticks: now}
	s.tails.mu.Lock()
	defer s.tails.mu.Unlock()
	if len(s.tails.all) >= maxTails {
		return nil, ErrTooManyTails
	}
	if s.tails.all == nil {
		s.tails.all = map[*Tail]struct{}{}
	}
	s.tails.all[t] = struct{}{}
	return t, nil
}

// Close ends the tail.
func (t *Tail) Close() {
	t.s.tails.mu.Lock()
	defer t.s.tails.mu.Unlock()
	delete(t.s.tails.all, t)
}

// EndTails ends all tails, those that are still to begin too.
func (s *Service) EndTails() {
	over := s.tails.ending()
	s.tails.mu.Lock()
	defer s.tails.mu.Unlock()
	select {
	case <-over:
	default:
		close(over)
	}
}

func (a *tails) ending() chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over == nil {
		a.over = make(chan struct{})
	}
	return a.over
}

// Next waits for a second to go by and returns what has come meanwhile, if anything, and whether that is a sample.
//
// Errors: ErrTailOver, io.EOF when the room's tails end, ctx's.
func (t *Tail) Next(ctx context.Context) (events []Tailed, sampled bool, err error) {
	now := t.s.clock.Now()
	if now.Sub(t.begun) >= tailLife {
		return nil, false, ErrTailOver
	}
	timer := t.s.clock.NewTimer(t.ticks.Add(tailEvery).Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case <-t.s.tails.ending():
		return nil, false, io.EOF
	case <-timer.Chan():
	}
	t.ticks = t.s.clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	events, sampled = t.events, t.sampled
	t.events, t.bytes, t.sampled = nil, 0, false
	return events, sampled, nil
}

// publish tells the tails of events that have become durable. The caller has the group's turn.
func (a *tails) publish(g *group, ingested int64, entries []entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for t := range a.all {
		for _, n := range t.filter.Groups {
			if n == g.name {
				t.take(g, ingested, entries)
			}
		}
	}
}

func (t *Tail) take(g *group, ingested int64, entries []entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries {
		x := g.byNumber[e.stream]
		if x == nil || !t.filter.names(x.row.Name) || t.filter.Match != nil && !t.filter.Match(e.message) {
			continue
		}
		if len(t.events) == tailEvents || t.bytes+len(e.message) > tailBytes {
			t.sampled = true
			return
		}
		t.bytes += len(e.message)
		t.events = append(t.events, Tailed{Group: g.name, Found: Found{
			Event: Event{time.UnixMilli(e.time), string(e.message)}, Stream: x.row.Name, Ingested: time.UnixMilli(ingested),
		}})
	}
}

// names reports whether the filter is for a stream of the name.
func (f TailFilter) names(stream string) bool {
	if len(f.Streams)+len(f.Prefixes) == 0 {
		return true
	}
	for _, name := range f.Streams {
		if name == stream {
			return true
		}
	}
	for _, prefix := range f.Prefixes {
		if strings.HasPrefix(stream, prefix) {
			return true
		}
	}
	return false
}
