package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// CreateStream makes a stream. Neither shard count nor mode makes an on-demand stream, which has four shards.
func (d *Door) CreateStream(ctx context.Context, in *CreateStreamInput) error {
	call := protocol.CallFrom(ctx)
	name := stream.Name{Account: call.Account, Region: call.Region, Name: in.StreamName}
	// Records always go where their partition keys say.
	if strategy := in.RecordDistributionStrategy; strategy != nil && *strategy != RecordDistributionStrategyUserPartitionKey {
		return invalidArgument(fmt.Sprintf("RecordDistributionStrategy %s is not supported.", *strategy))
	}
	o := stream.CreateOptions{WarmMiBps: in.WarmThroughputMiBps, Tags: in.Tags}
	if in.ShardCount != nil {
		o.ShardCount = *in.ShardCount
	}
	if in.StreamModeDetails != nil {
		o.Mode = stream.Mode(in.StreamModeDetails.StreamMode)
	}
	if in.MaxRecordSizeInKiB != nil {
		o.MaxRecordBytes = *in.MaxRecordSizeInKiB << 10
	}
	err := d.Streams.Create(ctx, name, o)
	if errors.Is(err, stream.ErrShardCount) {
		return shardCountError(o)
	}
	return translate(tagError(err, name, "add tags to"), name)
}

// shardCountError says what is wrong between a mode and a shard count.
func shardCountError(o stream.CreateOptions) error {
	if o.Mode == stream.ModeOnDemand {
		return invalidArgument(fmt.Sprintf("ShardCount must not be provided for a stream in %s mode.", o.Mode))
	}
	return &protocol.Error{
		Code:    ValidationException,
		Message: "1 validation error detected: Value null at 'shardCount' failed to satisfy constraint: Member must not be null",
	}
}
