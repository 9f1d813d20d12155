package kinesis

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// EnableEnhancedMonitoring switches metrics of a stream's shards on.
func (d *Door) EnableEnhancedMonitoring(ctx context.Context, in *EnableEnhancedMonitoringInput) (*EnhancedMonitoringOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return d.monitor(ctx, name, in.ShardLevelMetrics, true)
}

func (d *Door) monitor(ctx context.Context, name stream.Name, metrics []string, on bool) (*EnhancedMonitoringOutput, error) {
	before, after, err := d.Streams.Monitor(ctx, name, metrics, on)
	if err != nil {
		return nil, translate(err, name)
	}
	return &EnhancedMonitoringOutput{
		StreamName:               &name.Name,
		StreamARN:                new(name.ARN()),
		CurrentShardLevelMetrics: metricNames(before),
		DesiredShardLevelMetrics: metricNames(after),
	}, nil
}

// metricNames makes a list that is written even when it is empty.
func metricNames(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
