package kinesis

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// place is where in a shard a request wants to begin.
type place struct {
	operation string
	kind      string // a ShardIteratorType
	number    *string
	timestamp *time.Time
}

// start reads the place, in the order in which AWS judges what belongs to it. A number is judged even where the type has
// no use for one.
func (p place) start(name stream.Name, shard stream.Shard) (stream.Start, error) {
	start := stream.Start{Type: stream.StartType(p.kind)}
	given := p.number != nil
	switch start.Type {
	case stream.TrimHorizon, stream.Latest:
		if given {
			return start, mustSpecify(p.kind, "also a StartingSequenceNumber")
		}
	case stream.AtSequenceNumber, stream.AfterSequenceNumber:
		if !given {
			return start, mustSpecify(p.kind, "no StartingSequenceNumber")
		}
	}
	if given {
		number, err := stream.ParseSequenceNumber(*p.number)
		if err == nil {
			err = shard.Owns(number)
		}
		if err != nil {
			return start, p.numberError(err, name, shard)
		}
		start.SequenceNumber = number
	}
	if start.Type == stream.AtTimestamp {
		if p.timestamp == nil {
			return start, invalidArgument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
		}
		start.Timestamp = *p.timestamp
	}
	return start, nil
}

func mustSpecify(iteratorType, what string) error {
	return invalidArgument(fmt.Sprintf("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s.",
		iteratorType, what))
}

// numberError answers for a sequence number that is none at all, or none of the shard's.
func (p place) numberError(err error, name stream.Name, shard stream.Shard) error {
	var other *stream.OtherShardError
	invalid := fmt.Sprintf("StartingSequenceNumber %s used in %s on shard %s in stream %s under account %s is invalid",
		*p.number, p.operation, shard.ID(), name.Name, name.Account)
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
