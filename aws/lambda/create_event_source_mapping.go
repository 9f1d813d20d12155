package lambda

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/stream"
)

// CreateEventSourceMapping maps a stream to a function.
func (d *Door) CreateEventSourceMapping(ctx context.Context, in *CreateEventSourceMappingRequest) (*EventSourceMappingConfiguration, error) {
	call := protocol.CallFrom(ctx)
	if in.EventSourceArn == nil {
		if in.SelfManagedEventSource != nil {
			return nil, refuse(member{"SelfManagedEventSource", true})
		}
		return nil, invalid("Unrecognized event source.")
	}
	source, err := sourceOf(*in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	if err := refuseCreate(in); err != nil {
		return nil, err
	}
	create := mapping.CreateInput{
		Account: call.Account, Region: call.Region, Source: source,
		Disabled: in.Enabled != nil && !*in.Enabled,
		Settings: mapping.Change{
			BatchSize: in.BatchSize, MaximumBatchingWindow: in.MaximumBatchingWindowInSeconds,
			ParallelizationFactor: in.ParallelizationFactor, MaximumRetryAttempts: in.MaximumRetryAttempts,
			MaximumRecordAge: in.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: in.BisectBatchOnFunctionError,
			OnFailure: onFailure(in.DestinationConfig),
		}.Apply(mapping.Defaults()),
	}
	if in.StartingPosition != nil {
		create.Start.Type = stream.StartType(*in.StartingPosition)
	}
	assign(&create.Start.Timestamp, in.StartingPositionTimestamp)
	create.Function, err = mappedFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	m, err := d.Mappings.Create(ctx, create)
	if err != nil {
		return nil, inUse(err, "update")
	}
	return mappingConfiguration(m), nil
}

// sourceOf reads the ARN of an event source: a stream's.
func sourceOf(arn string) (stream.Name, error) {
	name, err := stream.ParseARN(arn)
	switch {
	case err == nil:
		return name, nil
	case strings.Contains(arn, ":kinesis:") && strings.Contains(arn, "/consumer/"):
		return stream.Name{}, invalid("Stream consumers are not supported as event sources: %s", arn)
	}
	return stream.Name{}, invalid("Unrecognized event source.")
}

// mappedFunction reads the name of the function to map to. One that is elsewhere does not exist here.
func mappedFunction(call protocol.Call, name string) (function.Ref, error) {
	ref, err := function.ParseRef(name, call.Account, call.Region)
	if err != nil {
		return ref, translateMapping(mapping.ErrFunctionNotFound)
	}
	return ref, nil
}

func refuseCreate(in *CreateEventSourceMappingRequest) error {
	if err := refuseForeign(
		foreign{"Topics", in.Topics != nil},
		foreign{"Queues", in.Queues != nil},
		foreign{"SourceAccessConfigurations", in.SourceAccessConfigurations != nil},
		foreign{"SelfManagedEventSource", in.SelfManagedEventSource != nil},
		foreign{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil},
		foreign{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil},
		foreign{"ScalingConfig", in.ScalingConfig != nil},
		foreign{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil},
		foreign{"LoggingConfig", in.LoggingConfig != nil},
		foreign{"ProvisionedPollerConfig", in.ProvisionedPollerConfig != nil},
	); err != nil {
		return err
	}
	if err := refuseMapping(in.FilterCriteria, in.TumblingWindowInSeconds, in.FunctionResponseTypes, in.KMSKeyArn, in.MetricsConfig, in.DestinationConfig); err != nil {
		return err
	}
	return refuse(member{"Tags", len(in.Tags) > 0})
}
