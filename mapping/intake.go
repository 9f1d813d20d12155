package mapping

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// intake is the way in which the records of one shard come to its reader: an iterator, or the subscriptions of a
// consumer. One caller at a time.
type intake interface {
	// read is Source.Read for the shard.
	read(ctx context.Context, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error)
	// wait returns when it is time to read again, which may find nothing.
	wait(ctx context.Context, after stream.Position) error
}

// iterator reads a shard as soon as there is something to read.
type iterator struct {
	source Source
	key    stream.ShardKey
}

func (it *iterator) read(ctx context.Context, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	return it.source.Read(ctx, it.key, after, maxRecords, maxBytes)
}

func (it *iterator) wait(ctx context.Context, after stream.Position) error {
	return it.source.Wait(ctx, it.key, after)
}
