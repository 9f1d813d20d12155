package kinesis

import (
	"context"
	"errors"
	"io"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// SubscribeToShard answers with the records of a shard as they come.
func (d *Door) SubscribeToShard(ctx context.Context, in *SubscribeToShardInput) (protocol.EventStream, error) {
	id, err := consumerByARN(ctx, in.ConsumerARN)
	if err != nil {
		return nil, err
	}
	consumer, err := d.Streams.DescribeConsumer(ctx, id)
	if err != nil {
		return nil, translate(err, id.Stream)
	}
	index, err := stream.ParseShardID(in.ShardId)
	if err != nil {
		return nil, shardNotFound(in.ShardId, id.Stream)
	}
	shard, err := d.subscribable(ctx, id.Stream, index)
	if err != nil {
		return nil, err
	}
	if consumer.Status != stream.StatusActive {
		return nil, translate(&stream.ConsumerNotActiveError{Consumer: consumer}, id.Stream)
	}
	start, err := place{
		operation: "SubscribeToShard", kind: in.StartingPosition.Type,
		number: in.StartingPosition.SequenceNumber, timestamp: in.StartingPosition.Timestamp,
	}.start(id.Stream, shard)
	if err != nil {
		return nil, err
	}
	if isTrue(in.DryRun) {
		return nil, dryRun(translate(d.Streams.CheckSubscribe(ctx, id, index, start), id.Stream))
	}
	sub, err := d.Streams.Subscribe(ctx, id, index, start)
	if err != nil {
		return nil, translate(err, id.Stream)
	}
	return &subscription{sub}, nil
}

// subscribable returns a shard of a stream that can be read; other than GetShardIterator's, its texts are those of the other operations
// that name a shard.
func (d *Door) subscribable(ctx context.Context, name stream.Name, index uint32) (stream.Shard, error) {
	if err := d.Streams.Usable(ctx, name); err != nil {
		return stream.Shard{}, translate(err, name)
	}
	s, err := d.Streams.Describe(ctx, name)
	if err != nil {
		return stream.Shard{}, translate(err, name)
	}
	shard, ok := s.Shard(index)
	if !ok {
		return shard, shardNotFound(stream.ShardID(index), name)
	}
	return shard, nil
}

// subscription is a subscription as the dispatcher sees it.
type subscription struct{ *stream.Subscription }

// Next implements protocol.EventStream.
func (s *subscription) Next(ctx context.Context) (protocol.Event, error) {
	e, err := s.Subscription.Next(ctx)
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, translate(err, s.Consumer.Stream)
	}
	event := &SubscribeToShardEvent{Records: recordShapes(s.Shard, e.Records), MillisBehindLatest: e.MillisBehind}
	if e.End {
		event.ChildShards = childShapes(e.Children)
	} else {
		event.ContinuationSequenceNumber = new(e.Continuation.String())
	}
	return event, nil
}
