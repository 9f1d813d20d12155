package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/stream"
)

// MergeShards merges two open shards whose ranges adjoin, the one with the lower keys first.
func (d *Door) MergeShards(ctx context.Context, in *MergeShardsInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	shard, err := stream.ParseShardID(in.ShardToMerge)
	if err != nil {
		return shardNotFound(in.ShardToMerge, name)
	}
	adjacent, err := stream.ParseShardID(in.AdjacentShardToMerge)
	if err != nil {
		return shardNotFound(in.AdjacentShardToMerge, name)
	}
	err = d.Streams.MergeShards(ctx, name, shard, adjacent)
	var apart *stream.NotAdjacentError
	if errors.As(err, &apart) {
		return invalidArgument(fmt.Sprintf(
			"Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging",
			stream.ShardID(apart.Shard), stream.ShardID(apart.Adjacent), name.Name, name.Account))
	}
	return translateReshard(err, name)
}
