package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/stream"
)

// SplitShard splits an open shard in two.
func (d *Door) SplitShard(ctx context.Context, in *SplitShardInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	index, err := stream.ParseShardID(in.ShardToSplit)
	if err != nil {
		return shardNotFound(in.ShardToSplit, name)
	}
	at, _ := stream.ParseHash(in.NewStartingHashKey) // one that no shard reaches is judged in its turn
	err = d.Streams.SplitShard(ctx, name, index, at)
	var span *stream.SplitRangeError
	if errors.As(err, &span) {
		return invalidArgument(fmt.Sprintf(
			"NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
			in.NewStartingHashKey, span.Shard.ID(), name.Name, name.Account, span.Shard.Range.Start, span.Shard.Range.End))
	}
	return translateReshard(err, name)
}

// translateReshard is translate for operations that change shards, to which a shard that is not there reads otherwise.
func translateReshard(err error, name stream.Name) error {
	var missing *stream.ShardNotFoundError
	if errors.As(err, &missing) {
		return shardNotFound(stream.ShardID(missing.Shard), name)
	}
	return translate(err, name)
}
