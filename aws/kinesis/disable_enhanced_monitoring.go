package kinesis

import "context"

// DisableEnhancedMonitoring switches metrics of a stream's shards off.
func (d *Door) DisableEnhancedMonitoring(ctx context.Context, in *DisableEnhancedMonitoringInput) (*EnhancedMonitoringOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return d.monitor(ctx, name, in.ShardLevelMetrics, false)
}
