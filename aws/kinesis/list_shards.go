package kinesis

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// maxListedShards is how many shards a page of ListShards has, when not asked for fewer.
const maxListedShards = 1000

// noStream names the account and region of a call that names no stream.
func noStream(call protocol.Call) stream.Name {
	return stream.Name{Account: call.Account, Region: call.Region}
}

// ListShards lists the shards of a stream that the filter lets through. A token stands for the whole first request.
func (d *Door) ListShards(ctx context.Context, in *ListShardsInput) (*ListShardsOutput, error) {
	limit := maxListedShards
	if in.MaxResults != nil {
		limit = min(limit, *in.MaxResults)
	}
	var shards []stream.Shard
	var token string
	var err error
	if in.NextToken != nil {
		shards, token, err = d.moreShards(ctx, in, limit)
	} else {
		shards, token, err = d.listShards(ctx, in, limit)
	}
	if err != nil {
		return nil, err
	}
	out := &ListShardsOutput{Shards: shardShapes(shards)}
	if token != "" {
		out.NextToken = &token
	}
	return out, nil
}

func (d *Door) moreShards(ctx context.Context, in *ListShardsInput, limit int) ([]stream.Shard, string, error) {
	for _, other := range []struct {
		name string
		set  bool
	}{
		{"StreamName", in.StreamName != nil},
		{"StreamARN", in.StreamARN != nil},
		{"ExclusiveStartShardId", in.ExclusiveStartShardId != nil},
		{"StreamCreationTimestamp", in.StreamCreationTimestamp != nil},
		{"ShardFilter", in.ShardFilter != nil},
	} {
		if other.set {
			return nil, "", invalidArgument(fmt.Sprintf("NextToken and %s cannot be provided together.", other.name))
		}
	}
	call := protocol.CallFrom(ctx)
	shards, token, err := d.Streams.MoreShards(ctx, call.Account, call.Region, *in.NextToken, limit)
	return shards, token, translate(err, noStream(call))
}

func (d *Door) listShards(ctx context.Context, in *ListShardsInput, limit int) ([]stream.Shard, string, error) {
	if in.StreamName == nil && in.StreamARN == nil {
		return nil, "", invalidArgument("Either NextToken or StreamName should be provided.")
	}
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, "", err
	}
	q := stream.ShardQuery{Name: name}
	if in.ExclusiveStartShardId != nil {
		after, err := stream.ParseShardID(*in.ExclusiveStartShardId)
		if err != nil {
			return nil, "", shardNotFound(*in.ExclusiveStartShardId, name)
		}
		q.After = &after
	}
	if in.StreamCreationTimestamp != nil {
		q.Created = *in.StreamCreationTimestamp
	}
	if q.Filter, err = shardFilter(in.ShardFilter, name); err != nil {
		return nil, "", err
	}
	shards, token, err := d.Streams.ListShards(ctx, q, limit)
	return shards, token, translate(err, name)
}

// shardFilter reads a filter: each type takes just the member that it needs.
func shardFilter(f *ShardFilter, name stream.Name) (stream.ShardFilter, error) {
	var filter stream.ShardFilter
	if f == nil {
		return filter, nil
	}
	filter.Type = stream.FilterType(f.Type)
	takesID := filter.Type == stream.AfterShardID
	takesTime := filter.Type == stream.AtTime || filter.Type == stream.FromTime
	for _, member := range []struct {
		name       string
		given, due bool
	}{
		{"ShardId", f.ShardId != nil, takesID},
		{"Timestamp", f.Timestamp != nil, takesTime},
	} {
		switch {
		case member.due && !member.given:
			return filter, invalidArgument(fmt.Sprintf("%s must be provided with the shard filter type %s.", member.name, f.Type))
		case member.given && !member.due:
			return filter, invalidArgument(fmt.Sprintf("%s must not be provided with the shard filter type %s.", member.name, f.Type))
		}
	}
	if takesTime {
		filter.Timestamp = *f.Timestamp
	}
	if takesID {
		after, err := stream.ParseShardID(*f.ShardId)
		if err != nil {
			return filter, shardNotFound(*f.ShardId, name)
		}
		filter.After = after
	}
	return filter, nil
}
