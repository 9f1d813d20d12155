package kinesis

import (
	"context"
	"time"

	"github.com/millrace/millrace/stream"
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
	out := &StreamDescriptionSummary{
		StreamName:              name.Name,
		StreamARN:               name.ARN(),
		StreamStatus:            string(s.Status),
		StreamModeDetails:       &StreamModeDetails{StreamMode: string(s.Mode)},
		RetentionPeriodHours:    int(s.Retention / time.Hour),
		StreamCreationTimestamp: s.Created,
		EnhancedMonitoring:      []EnhancedMetrics{{ShardLevelMetrics: metricNames(s.ShardMetrics)}},
		EncryptionType:          streamEncryption(s),
		KeyId:                   keyID(s),
		OpenShardCount:          s.OpenShards(),
		ConsumerCount:           new(d.Streams.CountConsumers(name)),
		MaxRecordSizeInKiB:      new(s.MaxRecordBytes >> 10),
	}
	if s.Mode == stream.ModeOnDemand {
		out.RecordDistributionStrategy = new(RecordDistributionStrategyUserPartitionKey)
		if s.WarmMiBps > 0 {
			out.WarmThroughput = &WarmThroughputObject{TargetMiBps: new(s.WarmMiBps), CurrentMiBps: new(s.WarmMiBps)}
		}
	}
	return &DescribeStreamSummaryOutput{StreamDescriptionSummary: out}, nil
}
