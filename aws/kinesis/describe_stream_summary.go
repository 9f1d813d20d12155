package kinesis

import (
	"context"
	"time"
)

// DescribeStreamSummary tells of a stream without its shards.
func (d *Door) DescribeStreamSummary(ctx context.Context, in *DescribeStreamSummaryInput) (*DescribeStreamSummaryOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	s, err := d.Streams.Describe(ctx, name)
	if err != nil {
		return nil, translate(err, name)
	}
	return &DescribeStreamSummaryOutput{StreamDescriptionSummary: &StreamDescriptionSummary{
		StreamName:              name.Name,
		StreamARN:               name.ARN(),
		StreamStatus:            string(s.Status),
		StreamModeDetails:       &StreamModeDetails{StreamMode: string(s.Mode)},
		RetentionPeriodHours:    int(s.Retention / time.Hour),
		StreamCreationTimestamp: s.Created,
		EnhancedMonitoring:      []EnhancedMetrics{{ShardLevelMetrics: []string{}}},
		EncryptionType:          new(EncryptionTypeNone),
		OpenShardCount:          s.OpenShards(),
		ConsumerCount:           new(d.Streams.CountConsumers(name)),
		MaxRecordSizeInKiB:      new(s.MaxRecordBytes >> 10),
	}}, nil
}
