package lambda

import (
	"context"
	"slices"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
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
	source, consumer, err := sourceOf(*in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	if err := refuseCreate(in); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	create := mapping.CreateInput{
		Account: call.Account, Region: call.Region, Source: source, Consumer: consumer, Function: mappedFunction(call, in.FunctionName),
		Disabled: in.Enabled != nil && !*in.Enabled, Tags: in.Tags,
		Settings: mapping.Change{
			BatchSize: in.BatchSize, MaximumBatchingWindow: in.MaximumBatchingWindowInSeconds,
			ParallelizationFactor: in.ParallelizationFactor, MaximumRetryAttempts: in.MaximumRetryAttempts,
			MaximumRecordAge: in.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: in.BisectBatchOnFunctionError,
			TumblingWindow: in.TumblingWindowInSeconds, ReportBatchItemFailures: reportFailures(in.FunctionResponseTypes),
			OnFailure: onFailure(in.DestinationConfig), Filters: filters(in.FilterCriteria),
			EventCount: eventCount(in.MetricsConfig), KMSKey: in.KMSKeyArn,
		}.Apply(mapping.Defaults()),
	}
	if in.StartingPosition != nil {
		create.Start.Type = stream.StartType(*in.StartingPosition)
	}
	if at := in.StartingPositionTimestamp; at != nil {
		// Nothing arrived before the epoch, and the years before the first cannot be stored.
		create.Start.Timestamp = time.UnixMilli(max(at.UnixMilli(), 0)).UTC()
	}
	m, err := d.Mappings.Create(ctx, create)
	if err != nil {
		return nil, inUse(err, "update")
	}
	return mappingConfiguration(m), nil
}

// sourceOf reads the ARN of an event source: a stream's, or a consumer's. The other sources that AWS knows are refused by
// their names.
func sourceOf(text string) (stream.Name, stream.ConsumerID, error) {
	if name, err := stream.ParseARN(text); err == nil {
		return name, stream.ConsumerID{}, nil
	}
	if id, err := stream.ParseConsumerARN(text); err == nil {
		return id.Stream, id, nil
	}
	refusal := invalid("Unrecognized event source.")
	if source, err := arn.Parse(text); err == nil && slices.Contains([]string{"dynamodb", "sqs", "kafka", "mq", "rds"}, source.Service) {
		refusal = invalid("Event sources of the service %s are not supported: %s", source.Service, text)
	}
	return stream.Name{}, stream.ConsumerID{}, refusal
}

// mappedFunction reads the name of the function to map to. One that is elsewhere does not exist here: it becomes a
// reference to nothing, which the room finds missing when it is its turn to be judged.
func mappedFunction(call protocol.Call, name string) function.Ref {
	ref, err := function.ParseRef(name, call.Account, call.Region)
	if err != nil {
		return function.Ref{}
	}
	return ref
}

func refuseCreate(in *CreateEventSourceMappingRequest) error {
	if err := refuseForeign(
		foreign{"Topics", in.Topics != nil},
		foreign{"Queues", in.Queues != nil},
		foreign{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0},
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
	return refuseMapping(in.MetricsConfig, in.DestinationConfig)
}
