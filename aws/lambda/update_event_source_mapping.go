package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/mapping"
)

// UpdateEventSourceMapping changes a mapping. Members that are absent keep their value, and so does the position in the
// stream.
func (d *Door) UpdateEventSourceMapping(ctx context.Context, in *UpdateEventSourceMappingRequest) (*EventSourceMappingConfiguration, error) {
	call := protocol.CallFrom(ctx)
	// What is not there is not there, whatever is asked of it.
	if _, err := d.Mappings.Get(call.Account, call.Region, in.UUID); err != nil {
		return nil, translateMapping(err)
	}
	if err := refuseUpdate(in); err != nil {
		return nil, err
	}
	change := mapping.Change{
		Enabled: in.Enabled, BatchSize: in.BatchSize, MaximumBatchingWindow: in.MaximumBatchingWindowInSeconds,
		ParallelizationFactor: in.ParallelizationFactor, MaximumRetryAttempts: in.MaximumRetryAttempts,
		MaximumRecordAge: in.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: in.BisectBatchOnFunctionError,
		TumblingWindow: in.TumblingWindowInSeconds, ReportBatchItemFailures: reportFailures(in.FunctionResponseTypes),
		OnFailure: onFailure(in.DestinationConfig), Filters: filters(in.FilterCriteria),
		EventCount: eventCount(in.MetricsConfig), KMSKey: in.KMSKeyArn,
	}
	if in.FunctionName != nil {
		change.Function = new(mappedFunction(call, *in.FunctionName))
	}
	m, err := d.Mappings.Update(ctx, call.Account, call.Region, in.UUID, change)
	if err != nil {
		return nil, inUse(err, "update")
	}
	return mappingConfiguration(m), nil
}

func refuseUpdate(in *UpdateEventSourceMappingRequest) error {
	if err := refuseForeign(
		foreign{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0},
		foreign{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil},
		foreign{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil},
		foreign{"ScalingConfig", in.ScalingConfig != nil},
		foreign{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil},
		foreign{"LoggingConfig", in.LoggingConfig != nil},
		foreign{"ProvisionedPollerConfig", in.ProvisionedPollerConfig != nil},
	); err != nil {
		return err
	}
	return refuseMapping(in.MetricsConfig, in.DestinationConfig)
}
