package kinesis

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

func invalidArgument(text string) error {
	return &protocol.Error{Code: InvalidArgumentException, Message: text}
}

func notFound(name stream.Name) error {
	return &protocol.Error{
		Code:    ResourceNotFoundException,
		Message: fmt.Sprintf("Stream %s under account %s not found.", name.Name, name.Account),
	}
}

// shardNotFound is the answer to a shard id that cannot be one.
func shardNotFound(id string, name stream.Name) error {
	return &protocol.Error{
		Code:    ResourceNotFoundException,
		Message: fmt.Sprintf("Could not find shard %s in stream %s under account %s.", id, name.Name, name.Account),
	}
}

// limitsPage is named in the text about the limit of shards.
const limitsPage = "http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html"

// translate gives an error of the room AWS's code and text. What it does not know is an internal failure.
func translate(err error, name stream.Name) error {
	var (
		missing  *stream.NotFoundError
		state    *stream.StateError
		shard    *stream.ShardNotFoundError
		exists   *stream.ExistsError
		creating *stream.CreatingLimitError
		shards   *stream.ShardLimitError
		onDemand *stream.OnDemandLimitError
		record   *stream.RecordSizeError
		put      *stream.PutSizeError
		expired  *stream.ExpiredIteratorError
		future   *stream.FutureTimestampError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return notFound(missing.Name)
	case errors.As(err, &state):
		return &protocol.Error{Code: ResourceInUseException, Message: fmt.Sprintf(
			"Stream %s under account %s not ACTIVE, instead in state %s", state.Name.Name, state.Name.Account, state.Status)}
	case errors.As(err, &shard):
		return &protocol.Error{Code: ResourceNotFoundException, Message: fmt.Sprintf(
			"Shard %s in stream %s under account %s does not exist", stream.ShardID(shard.Shard), shard.Name.Name, shard.Name.Account)}
	case errors.As(err, &exists):
		return &protocol.Error{Code: ResourceInUseException, Message: fmt.Sprintf(
			"Stream %s under account %s already exists.", exists.Name.Name, exists.Name.Account)}
	case errors.As(err, &creating):
		return limitExceeded("This request would have exceed the limit on the number of streams that can simultaneously be in CREATING or DELETING for the account %s. Limit: %d.",
			name.Account, creating.Limit)
	case errors.As(err, &shards):
		return limitExceeded("This request would exceed the shard limit for the account %s in %s. Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d. Refer to the AWS Service Limits page (%s) for current limits and how to request higher limits.",
			name.Account, name.Region, shards.Open, shards.Limit, shards.More, limitsPage)
	case errors.As(err, &onDemand):
		return limitExceeded("This request would exceed the limit on the number of On-Demand streams for the account %s in %s. Current On-Demand streams count: %d. Limit: %d.",
			name.Account, name.Region, onDemand.Count, onDemand.Limit)
	case errors.As(err, &record):
		return invalidArgument(fmt.Sprintf("Record size exceeds %d KB limit", record.Limit>>10))
	case errors.As(err, &put):
		return invalidArgument(fmt.Sprintf("Records size exceeds %d MB limit", put.Limit>>20))
	case errors.Is(err, stream.ErrIterator):
		return invalidArgument("Invalid ShardIterator.")
	case errors.As(err, &expired):
		return expiredIterator(expired)
	case errors.As(err, &future):
		return invalidArgument(fmt.Sprintf(
			"The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d",
			future.Timestamp.UnixMilli(), future.Now.UnixMilli()))
	case errors.Is(err, stream.ErrPageToken):
		return invalidArgument("NextToken is invalid.")
	case errors.Is(err, stream.ErrExpiredPageToken):
		return &protocol.Error{Code: ExpiredNextTokenException, Message: "NextToken has expired."}
	}
	if e := consumerError(err); e != nil {
		return e
	}
	return err
}

func limitExceeded(format string, a ...any) error {
	return &protocol.Error{Code: LimitExceededException, Message: fmt.Sprintf(format, a...)}
}

func expiredIterator(e *stream.ExpiredIteratorError) error {
	text := func(t time.Time) string { return t.UTC().Format("Mon Jan 02 15:04:05 UTC 2006") }
	return &protocol.Error{Code: ExpiredIteratorException, Message: fmt.Sprintf(
		"Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
		text(e.Created), text(e.Now), stream.IteratorLife.Milliseconds())}
}
