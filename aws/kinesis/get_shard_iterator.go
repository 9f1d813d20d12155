package kinesis

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// GetShardIterator returns an iterator for a place in a shard, which may be closed.
func (d *Door) GetShardIterator(ctx context.Context, in *GetShardIteratorInput) (*GetShardIteratorOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	index, err := stream.ParseShardID(in.ShardId)
	if err != nil {
		return nil, shardNotFound(in.ShardId, name)
	}
	shard, err := d.readable(ctx, name, index)
	if err != nil {
		return nil, err
	}
	start, err := place{
		operation: "GetShardIterator", kind: in.ShardIteratorType, number: in.StartingSequenceNumber, timestamp: in.Timestamp,
	}.start(name, shard)
	if err != nil {
		return nil, err
	}
	text, err := d.Streams.NewIterator(ctx, name, index, start)
	if err != nil {
		return nil, translate(err, name)
	}
	if isTrue(in.DryRun) {
		return nil, dryRun(nil)
	}
	return &GetShardIteratorOutput{ShardIterator: &text}, nil
}

// readable returns a shard that can be read. One that is not there is answered before anything else is judged.
func (d *Door) readable(ctx context.Context, name stream.Name, index uint32) (stream.Shard, error) {
	if err := d.Streams.Usable(ctx, name); err == nil {
		if s, err := d.Streams.Describe(ctx, name); err == nil {
			if shard, ok := s.Shard(index); ok {
				return shard, nil
			}
		}
	}
	return stream.Shard{}, translate(&stream.ShardNotFoundError{Name: name, Shard: index}, name)
}
