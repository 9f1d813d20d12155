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
	// Splits and Merges name open shards, each one once. ShardCount is how many shards are to be open.
	Splits     []split `json:"splits,omitempty"`
	Merges     []merge `json:"merges,omitempty"`
	ShardCount int     `json:"shard_count,omitempty"`
}

// apply makes the change in a stream. Shards that it closes are closed at the given time, in whole seconds.
func (c *change) apply(st *Stream, closing time.Time) {
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
	if c.reshapes() {
		st.Shards, st.closed = c.reshape(st.Shards, closing), true
	}
}

// reshapes reports whether the change closes shards.
func (c *change) reshapes() bool { return len(c.Splits)+len(c.Merges)+c.ShardCount > 0 }

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
		next.asked = c.opensAfter(&next.stream)
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
	if err := s.doubts.Settle(ctx, streamSubject(name)); err != nil {
		return err
	}
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
		s.doubtStream(ctx, name, err)
		return fmt.Errorf("change stream %s: %w", name, err)
	}
	s.replace(&next)
	s.lookAgain()
	return nil
}

// replace makes a stream known as it is stored now, and lets those know who put and read: of the shards that have been
// closed, and of a stream that is DELETING. Nobody finds a shard at its end before its children are known.
func (s *Service) replace(l *live) {
	s.publish(l)
	for i, log := range l.logs {
		if !l.stream.Shards[i].Open() {
			log.close()
		}
	}
	if l.stream.Status == StatusDeleting {
		l.retire()
	}
}

// finish ends UPDATING: the stream becomes ACTIVE as its change has it. The caller has control.
//
// The logs of the shards that are to be closed are sealed first: what was queued there is still appended, and what is put
// from then on waits. So the end of a shard is behind everything that was acknowledged, and a child's records come
// after all of its parents'. The waiting puts go on when it is known what the stream is: to the children, or, if the
// store refused, to where they were.
func (s *Service) finish(ctx context.Context, l *live) error {
	parents := l.closing()
	closing, err := s.seal(ctx, parents)
	if err == nil {
		err = s.commitChange(context.WithoutCancel(ctx), l, closing)
	}
	if err == nil || !errors.Is(err, errUnknown) {
		for _, log := range parents {
			log.unseal()
		}
	}
	return err
}

// errUnknown says that the stream is in doubt. As long as it is, sealed logs stay sealed.
var errUnknown = errors.New("outcome unknown")

// commitChange stores what the change makes of the stream and makes it known.
func (s *Service) commitChange(ctx context.Context, l *live, closing time.Time) error {
	active := *l
	active.stream.Status, active.since, active.change = StatusActive, s.clock.Now(), nil
	if l.change != nil {
		l.change.apply(&active.stream, closing)
	}
	if err := s.catalog.update(ctx, &active); err != nil {
		if !s.doubtStream(ctx, l.stream.Name, err) {
			return fmt.Errorf("%w: %w", errUnknown, err)
		}
		return err
	}
	active.open(l, true)
	s.replace(&active)
	return nil
}

// closing returns the logs of the open shards that the stream's change closes.
func (l *live) closing() (parents []*shardLog) {
	if l.change == nil || !l.change.reshapes() {
		return nil
	}
	after := l.change.reshape(l.stream.Shards, l.stream.Created)
	for i, log := range l.logs {
		if l.stream.Shards[i].Open() && !after[i].Open() {
			parents = append(parents, log)
		}
	}
	return parents
}

// seal seals logs and returns when their shards are closed then, in whole seconds: now, or when the last of their records
// arrived, if that is later.
func (s *Service) seal(ctx context.Context, logs []*shardLog) (time.Time, error) {
	for _, log := range logs { // so that no put has to wait for it
		if err := log.load(ctx, s.store); err != nil {
			return time.Time{}, err
		}
	}
	for _, log := range logs {
		log.seal()
	}
	last := s.clock.Now().UnixMicro()
	for _, log := range logs {
		if err := log.quiesce(ctx); err != nil {
			return time.Time{}, err
		}
		if err := s.doubts.Settle(ctx, log.subject()); err != nil { // what is in doubt may belong to the shard's end
			return time.Time{}, err
		}
		if err := log.load(ctx, s.store); err != nil {
			return time.Time{}, err
		}
		last = max(last, log.lastArrival())
	}
	return fromMicros(last).Truncate(time.Second), nil
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
