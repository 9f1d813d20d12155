package mapping

import (
	"context"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// Source is what a mapping reads from: the streams, and their standard iterators.
type Source interface {
	// Describe returns the stream with its shards, or a *stream.NotFoundError. A stream that was deleted and created again
	// has another Number.
	Describe(ctx context.Context, name stream.Name) (stream.Stream, error)

	// Seek returns the exclusive cursor for a start in a shard. LATEST is fixed at the moment of the call.
	Seek(ctx context.Context, shard stream.ShardKey, start stream.Start) (stream.Position, error)

	// Read returns records after the cursor, at most maxRecords, and at most about maxBytes but never none if there
	// is one. A cursor before the oldest record held continues at that record. It is stream.ErrGone when the shard's
	// stream is gone, or the shard with the last of its records.
	Read(ctx context.Context, shard stream.ShardKey, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error)

	// Wait returns when a record after the cursor exists, or the shard was closed or is gone.
	Wait(ctx context.Context, shard stream.ShardKey, after stream.Position) error
}

// Consumers is what a mapping reads from whose source is a consumer of a stream.
type Consumers interface {
	// DescribeConsumer returns the consumer, or a *stream.ConsumerNotFoundError.
	DescribeConsumer(ctx context.Context, id stream.ConsumerID) (stream.Consumer, error)

	// Subscribe begins a subscription to a shard: see stream.Service.Subscribe.
	Subscribe(ctx context.Context, id stream.ConsumerID, shard uint32, start stream.Start) (Subscription, error)
}

// Subscription is one of stream's.
type Subscription interface {
	// Read is Source.Read for the shard while the subscription lasts. Afterwards it is io.EOF, a *stream.SubscribedError
	// when another one took over, or says that the consumer or the stream is gone.
	Read(ctx context.Context, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error)

	// Wait is Source.Wait for the shard. It returns when the subscription is over, too.
	Wait(ctx context.Context, after stream.Position) error

	// Close ends the subscription.
	Close()
}

// Invoker runs the function of a mapping.
type Invoker interface {
	// Invoke runs the function once. Every error but *function.PayloadTooLargeError says that the function was not
	// reached. The payload is never changed or used for anything else afterwards.
	Invoke(ctx context.Context, in function.Invocation) (function.Result, error)

	// Find returns the function, version, or version behind an alias, that is meant now, or function.ErrNotFound. It is
	// asked before every invocation.
	Find(ctx context.Context, ref function.Ref) (function.Function, error)
}

// Destination hears of batches that were given up.
type Destination interface {
	// Check reports why documents could not be sent to the destination; nil when nothing is known against it.
	Check(ctx context.Context, arn string) error

	// Send delivers one document. When it returns nil the document is durable there.
	Send(ctx context.Context, arn string, n Notice) error
}
