package server

import (
	"context"

	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/stream"
)

// consumers are the streams' consumers as mappings see them.
type consumers struct{ *stream.Service }

// Subscribe implements mapping.Consumers.
func (c consumers) Subscribe(ctx context.Context, id stream.ConsumerID, shard uint32, start stream.Start) (mapping.Subscription, error) {
	sub, err := c.Service.Subscribe(ctx, id, shard, start)
	if err != nil {
		return nil, err // and not a subscription that is nil
	}
	return sub, nil
}

// polled are the streams as they are read when mappings have no privilege: within the limits that all iterators share.
type polled struct{ *stream.Service }

// Read implements mapping.Source.
func (p polled) Read(ctx context.Context, shard stream.ShardKey, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	return p.ReadLimited(ctx, shard, after, maxRecords, maxBytes)
}
