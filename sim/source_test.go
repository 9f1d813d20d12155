package sim

import (
	"context"

	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/stream"
)

// source is the room of streams as mappings see it. What they read is what is durable.
type source struct {
	*stream.Service
	h *house
}

// Read implements mapping.Source.
func (s *source) Read(ctx context.Context, key stream.ShardKey, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	b, err := s.Service.Read(ctx, key, after, maxRecords, maxBytes)
	if err == nil {
		s.h.w.read(s.h, key, after, b)
	}
	return b, err
}

// consumers are those of the room of streams as mappings see them.
type consumers struct {
	*stream.Service
	h *house
}

// subscription is one whose reads are watched.
type subscription struct {
	*stream.Subscription
	h   *house
	key stream.ShardKey
}

// Subscribe implements mapping.Consumers.
func (c consumers) Subscribe(ctx context.Context, id stream.ConsumerID, shard uint32, start stream.Start) (mapping.Subscription, error) {
	sub, err := c.Service.Subscribe(ctx, id, shard, start)
	if err != nil {
		return nil, err
	}
	return &subscription{Subscription: sub, h: c.h, key: stream.ShardKey{Index: shard}}, nil
}

// Read implements mapping.Subscription.
func (s *subscription) Read(ctx context.Context, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	b, err := s.Subscription.Read(ctx, after, maxRecords, maxBytes)
	if err == nil {
		s.h.w.read(s.h, s.key, after, b)
	}
	return b, err
}

// read notes what was read of a shard.
func (w *world) read(h *house, key stream.ShardKey, after stream.Position, b stream.Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.down {
		return
	}
	for i := range b.Records {
		rec := &b.Records[i]
		r := w.identify(labelOf(rec.Data), rec.PartitionKey)
		if r == nil {
			return
		}
		if rec.Position <= after {
			w.breach("%s is read out of order", r.label())
		}
		after = rec.Position
		w.place(r, place{key.Index, rec.Position})
		if !r.arrival.IsZero() && !r.arrival.Equal(rec.Arrival) {
			w.breach("%s arrived at %v and at %v", r.label(), r.arrival, rec.Arrival)
		}
		r.arrival = rec.Arrival
	}
}
