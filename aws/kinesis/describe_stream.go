package kinesis

import (
	"context"
	"time"

	"github.com/millrace/millrace/stream"
)

// maxDescribedShards is how many shards a page of DescribeStream has at most.
const maxDescribedShards = 100

// DescribeStream tells of a stream and, page by page, of its shards.
func (d *Door) DescribeStream(ctx context.Context, in *DescribeStreamInput) (*DescribeStreamOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	s, err := d.Streams.Describe(ctx, name)
	if err != nil {
		return nil, translate(err, name)
	}
	shards := s.Shards
	if in.ExclusiveStartShardId != nil {
		after, err := stream.ParseShardID(*in.ExclusiveStartShardId)
		if err != nil {
			return nil, shardNotFound(*in.ExclusiveStartShardId, name)
		}
		for len(shards) > 0 && shards[0].Index <= after {
			shards = shards[1:]
		}
	}
	limit := maxDescribedShards
	if in.Limit != nil {
		limit = min(limit, *in.Limit)
	}
	more := len(shards) > limit
	return &DescribeStreamOutput{StreamDescription: &StreamDescription{
		StreamName:              name.Name,
		StreamARN:               name.ARN(),
		StreamStatus:            string(s.Status),
		StreamModeDetails:       &StreamModeDetails{StreamMode: string(s.Mode)},
		Shards:                  shardShapes(shards[:min(limit, len(shards))]),
		HasMoreShards:           more,
		RetentionPeriodHours:    int(s.Retention / time.Hour),
		StreamCreationTimestamp: s.Created,
		EnhancedMonitoring:      []EnhancedMetrics{{ShardLevelMetrics: metricNames(s.ShardMetrics)}},
		EncryptionType:          streamEncryption(s),
		KeyId:                   keyID(s),
	}}, nil
}

func shardShapes(shards []stream.Shard) []Shard {
	shapes := make([]Shard, len(shards))
	for i, s := range shards {
		shapes[i] = Shard{
			ShardId:             s.ID(),
			HashKeyRange:        &HashKeyRange{StartingHashKey: s.Range.Start.String(), EndingHashKey: s.Range.End.String()},
			SequenceNumberRange: &SequenceNumberRange{StartingSequenceNumber: s.Start().String()},
		}
		if s.Parent != stream.NoParent {
			shapes[i].ParentShardId = new(stream.ShardID(uint32(s.Parent)))
		}
		if s.AdjacentParent != stream.NoParent {
			shapes[i].AdjacentParentShardId = new(stream.ShardID(uint32(s.AdjacentParent)))
		}
		if !s.Open() {
			shapes[i].SequenceNumberRange.EndingSequenceNumber = new(s.End().String())
		}
	}
	return shapes
}
