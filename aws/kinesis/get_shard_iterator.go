package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// GetShardIterator returns an iterator for a place in a shard, which may be closed.
func (d *Door) GetShardIterator(ctx context.Context, in *GetShardIteratorInput) (*GetShardIteratorOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	index, err := stream.ParseShardID(in.ShardId)
	if err != nil {
		return nil, shardNotFound(in.ShardId, name)
	}
	shard, err := d.readable(ctx, name, index)
	if err != nil {
		return nil, err
	}
	start, err := iteratorStart(in, name, shard)
	if err != nil {
		return nil, err
	}
	text, err := d.Streams.NewIterator(ctx, name, index, start)
	if err != nil {
		return nil, translate(err, name)
	}
	if isTrue(in.DryRun) {
		return nil, dryRun(nil)
	}
	return &GetShardIteratorOutput{ShardIterator: &text}, nil
}

// readable returns a shard that can be read. One that is not there is answered before anything else is judged.
func (d *Door) readable(ctx context.Context, name stream.Name, index uint32) (stream.Shard, error) {
	if err := d.Streams.Usable(ctx, name); err == nil {
		if s, err := d.Streams.Describe(ctx, name); err == nil {
			if shard, ok := s.Shard(index); ok {
				return shard, nil
			}
		}
	}
	return stream.Shard{}, translate(&stream.ShardNotFoundError{Name: name, Shard: index}, name)
}

// iteratorStart reads the place, in the order in which AWS judges what belongs to it. A number is judged even where
// the type has no use for one.
func iteratorStart(in *GetShardIteratorInput, name stream.Name, shard stream.Shard) (stream.Start, error) {
	start := stream.Start{Type: stream.StartType(in.ShardIteratorType)}
	given := in.StartingSequenceNumber != nil
	switch start.Type {
	case stream.TrimHorizon, stream.Latest:
		if given {
			return start, mustSpecify(in.ShardIteratorType, "also a StartingSequenceNumber")
		}
	case stream.AtSequenceNumber, stream.AfterSequenceNumber:
		if !given {
			return start, mustSpecify(in.ShardIteratorType, "no StartingSequenceNumber")
		}
	}
	if given {
		number, err := stream.ParseSequenceNumber(*in.StartingSequenceNumber)
		if err == nil {
			err = shard.Owns(number)
		}
		if err != nil {
			return start, numberError(err, in, name, shard)
		}
		start.SequenceNumber = number
	}
	if start.Type == stream.AtTimestamp {
		if in.Timestamp == nil {
			return start, invalidArgument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
		}
		start.Timestamp = *in.Timestamp
	}
	return start, nil
}

func mustSpecify(iteratorType, what string) error {
	return invalidArgument(fmt.Sprintf("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s.",
		iteratorType, what))
}

// numberError answers for a sequence number that is none at all, or none of the shard's.
func numberError(err error, in *GetShardIteratorInput, name stream.Name, shard stream.Shard) error {
	var other *stream.OtherShardError
	invalid := fmt.Sprintf("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid",
		*in.StartingSequenceNumber, shard.ID(), name.Name, name.Account)
	switch {
	case errors.As(err, &other):
		return invalidArgument(fmt.Sprintf("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s",
			other.EncodedID(), shard.ID()))
	case errors.Is(err, stream.ErrAncientSequenceNumber):
		return &protocol.Error{Code: ErrorInternalFailure}
	case errors.Is(err, stream.ErrOtherStream):
		return invalidArgument(invalid + " because it did not come from this stream.")
	}
	return invalidArgument(invalid + ".")
}
