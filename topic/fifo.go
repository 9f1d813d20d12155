package topic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// dedupWindow is how long a FIFO topic knows a message again.
const dedupWindow = 5 * time.Minute

// order lets the publishes of a FIFO topic through one by one.
type order struct {
	gate chan struct{}
	// The holder of the gate's.
	loaded bool
	last   uint64 // the highest sequence number given
}

func newOrder() *order { return &order{gate: make(chan struct{}, 1)} }

// dedupRow is what a FIFO topic keeps of a message, to answer for another like it.
type dedupRow struct {
	Published
	Topic time.Time // when the topic was created: a later one of its name does not know the message
	Until time.Time
}

// ageRow names a dedupRow under the time at which it is forgotten.
type ageRow struct{ Key string }

type sequenceRow struct{ Last uint64 }

// publishInOrder publishes to a FIFO topic. What it knows again is answered as the first time, and delivered no more. The
// messages are in the queues before they are noted here; what a crash or an error left unnoted is delivered again, and the
// queues know it again in their turn.
func (s *Service) publishInOrder(ctx context.Context, topic Name, messages []Message) ([]Published, error) {
	e, err := s.find(topic)
	if err != nil {
		return nil, err
	}
	e.order.gate <- struct{}{} // held as long as its holders' commits take
	defer func() { <-e.order.gate }()
	if e, err = s.find(topic); err != nil { // it may have changed meanwhile
		return nil, err
	}
	if err := s.loadOrder(ctx, topic, e.order); err != nil {
		return nil, err
	}
	r := inOrder{s: s, e: e, topic: topic, now: s.now(), known: map[string]Published{}}
	for i := range messages {
		if err := r.add(ctx, &messages[i]); err != nil {
			return nil, err
		}
	}
	if len(r.items) == 0 {
		return r.out, nil
	}
	if err := s.fanOut(ctx, e, r.items); err != nil {
		return nil, err
	}
	return r.out, r.note(ctx)
}

func (s *Service) loadOrder(ctx context.Context, topic Name, o *order) error {
	if o.loaded {
		return nil
	}
	row, _, err := s.sequences.Get(ctx, topic.key())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	o.loaded, o.last = true, row.Last
	return nil
}

// inOrder is one publish to a FIFO topic.
type inOrder struct {
	s      *Service
	e      *entry
	topic  Name
	now    time.Time
	known  map[string]Published // those of this publish, by the key of their row
	items  []item               // what is to be delivered
	out    []Published
	writes []store.Write
}

func (r *inOrder) add(ctx context.Context, m *Message) error {
	id, group := m.deduplication(), ""
	if r.e.Attributes[FIFOThroughputScope] == "MessageGroup" {
		group = *m.Group
	}
	key := store.Key(r.topic.key(), group, id)
	if old, ok := r.known[key]; ok {
		r.out = append(r.out, old)
		return nil
	}
	row, _, err := r.s.dedups.Get(ctx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && row.Topic.Equal(r.e.Created) && r.now.Before(row.Until) {
		r.out = append(r.out, row.Published)
		return nil
	}
	// Of the clock, so that numbers go on after a publish that failed; and always higher than the last.
	r.e.order.last = max(r.e.order.last+1, uint64(max(r.now.UnixNano(), 0)))
	p := Published{ID: uuid.NewString(), SequenceNumber: fmt.Sprintf("1%019d", r.e.order.last)}
	r.known[key], r.out = p, append(r.out, p)
	r.items = append(r.items, item{Message: m, Published: p, time: r.now, dedup: id})
	return r.remember(key, p)
}

func (r *inOrder) remember(key string, p Published) error {
	until := r.now.Add(dedupWindow)
	w, err := r.s.dedups.Write(key, dedupRow{Published: p, Topic: r.e.Created, Until: until}, 0)
	if err != nil {
		return err
	}
	age, err := r.s.ages.Write(store.Key(r.topic.key(), ageKey(until), p.SequenceNumber), ageRow{Key: key}, 0)
	r.writes = append(r.writes, w, age)
	return err
}

func ageKey(t time.Time) string { return fmt.Sprintf("%016x", max(t.UnixMilli(), 0)) }

// note commits what is to be known again, and forgets some of what is too old: more than is added, so that no more is kept
// than one window holds.
func (r *inOrder) note(ctx context.Context) error {
	last, err := r.s.sequences.Write(r.topic.key(), sequenceRow{Last: r.e.order.last}, 0)
	if err != nil {
		return err
	}
	r.writes = append(r.writes, last)
	from, to, left := store.Key(r.topic.key(), ""), store.Key(r.topic.key(), ageKey(r.now)), 2*len(r.items)
	for item, err := range r.s.ages.Range(ctx, from, to) {
		if err != nil {
			return err
		}
		row, _, err := r.s.dedups.Get(ctx, item.Value.Key)
		switch {
		case err == nil && !r.now.Before(row.Until) && r.known[item.Value.Key].ID == "":
			r.writes = append(r.writes, r.s.dedups.Remove(item.Value.Key, 0))
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		}
		r.writes = append(r.writes, r.s.ages.Remove(item.Key, 0))
		if left--; left == 0 {
			break
		}
	}
	if err := r.s.tables.Commit(ctx, r.writes...); err != nil {
		return fmt.Errorf("publish to %s: %w", r.topic.Name, err)
	}
	return nil
}

// forgetAtOnce is how much of a deleted topic one commit takes out.
const forgetAtOnce = 1000

// forget takes out what a deleted topic knew again.
func (s *Service) forget(ctx context.Context, topic Name) error {
	var writes []store.Write
	commit := func(most int) error {
		if len(writes) <= most {
			return nil
		}
		err := s.tables.Commit(ctx, writes...)
		writes = writes[:0]
		return err
	}
	for item, err := range s.ages.Scan(ctx, store.Key(topic.key(), "")) {
		if err != nil {
			return err
		}
		writes = append(writes, s.ages.Remove(item.Key, 0), s.dedups.Remove(item.Value.Key, 0))
		if err := commit(forgetAtOnce); err != nil {
			return err
		}
	}
	return commit(0)
}
