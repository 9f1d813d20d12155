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
	if err := refuse("DryRun", isTrue(in.DryRun)); err != nil {
		return nil, err
	}
	shard, err := stream.ParseShardID(in.ShardId)
	if err != nil {
		return nil, shardNotFound(in.ShardId, name)
	}
	if err := d.readable(ctx, name, shard); err != nil {
		return nil, err
	}
	start, err := iteratorStart(in, name, shard)
	if err != nil {
		return nil, err
	}
	text, err := d.Streams.NewIterator(ctx, name, shard, start)
	if err != nil {
		return nil, numberError(err, in, name, shard)
	}
	return &GetShardIteratorOutput{ShardIterator: &text}, nil
}

// readable answers requests for a shard that is not there before anything else of them is judged.
func (d *Door) readable(ctx context.Context, name stream.Name, index uint32) error {
	missing := translate(&stream.ShardNotFoundError{Name: name, Shard: index}, name)
	s, err := d.Streams.Describe(ctx, name)
	if err != nil {
		var gone *stream.NotFoundError
		if errors.As(err, &gone) {
			return missing
		}
		return err
	}
	if _, ok := s.Shard(index); !ok || s.Status == stream.StatusDeleting {
		return missing
	}
	return nil
}

// iteratorStart reads the place, in the order in which AWS judges what belongs to it.
func iteratorStart(in *GetShardIteratorInput, name stream.Name, shard uint32) (stream.Start, error) {
	start := stream.Start{Type: stream.StartType(in.ShardIteratorType)}
	byNumber := start.Type == stream.AtSequenceNumber || start.Type == stream.AfterSequenceNumber
	if n := in.StartingSequenceNumber; n != nil {
		if start.Type == stream.TrimHorizon || start.Type == stream.Latest {
			return start, invalidArgument(mustSpecify(in.ShardIteratorType, "also a StartingSequenceNumber"))
		}
		number, err := stream.ParseSequenceNumber(*n)
		if err != nil {
			return start, invalidArgument(invalidNumber(in, name, shard) + ".")
		}
		start.SequenceNumber = number
	} else if byNumber {
		return start, invalidArgument(mustSpecify(in.ShardIteratorType, "no StartingSequenceNumber"))
	}
	if start.Type == stream.AtTimestamp {
		if in.Timestamp == nil {
			return start, invalidArgument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
		}
		start.Timestamp = *in.Timestamp
	}
	return start, nil
}

func mustSpecify(iteratorType, what string) string {
	return fmt.Sprintf("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s.",
		iteratorType, what)
}

func invalidNumber(in *GetShardIteratorInput, name stream.Name, shard uint32) string {
	return fmt.Sprintf("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid",
		*in.StartingSequenceNumber, stream.ShardID(shard), name.Name, name.Account)
}

// numberError answers for a sequence number that is none of the shard's, and else like any other error.
func numberError(err error, in *GetShardIteratorInput, name stream.Name, shard uint32) error {
	var other *stream.OtherShardError
	switch {
	case errors.As(err, &other):
		return invalidArgument(fmt.Sprintf("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s",
			other.EncodedID(), stream.ShardID(other.Shard)))
	case errors.Is(err, stream.ErrOtherStream):
		return invalidArgument(invalidNumber(in, name, shard) + " because it did not come from this stream.")
	case errors.Is(err, stream.ErrAncientSequenceNumber):
		return &protocol.Error{Code: ErrorInternalFailure, Status: 500}
	}
	return translate(err, name)
}
