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
		read     *stream.ReadRateError
		future   *stream.FutureTimestampError
		retained *stream.RetentionError
		mode     *stream.OnDemandError
		count    *stream.ShardCountError
		closed   *stream.ClosedShardError
		often    *stream.RequestLimitError
		warm     *stream.WarmThroughputError
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
	case errors.As(err, &mode):
		return &protocol.Error{Code: ValidationException, Message: fmt.Sprintf(
			"Request is invalid. Stream %s under account %s is in On-Demand mode.", mode.Name.Name, mode.Name.Account)}
	case errors.As(err, &count):
		return shardCountLimit(count)
	case errors.As(err, &closed):
		return invalidArgument(fmt.Sprintf(
			"Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.",
			stream.ShardID(closed.Shard), name.Name, name.Account))
	case errors.As(err, &often):
		return limitExceeded("%s cannot be called for stream %s under account %s more than %d times in a rolling 24-hour period.",
			often.Operation, name.Name, name.Account, often.Limit)
	case errors.As(err, &record):
		return invalidArgument(fmt.Sprintf("Record size exceeds %d KB limit", record.Limit>>10))
	case errors.As(err, &put):
		return invalidArgument(fmt.Sprintf("Records size exceeds %d MB limit", put.Limit>>20))
	case errors.Is(err, stream.ErrIterator):
		return invalidArgument("Invalid ShardIterator.")
	case errors.As(err, &expired):
		return expiredIterator(expired)
	case errors.As(err, &read):
		return &protocol.Error{Code: ProvisionedThroughputExceededException, Message: fmt.Sprintf(
			"Rate exceeded for Shard - %s/%s/%s", read.Name.Account, read.Name.Name, stream.ShardID(read.Shard))}
	case errors.As(err, &future):
		return invalidArgument(fmt.Sprintf(
			"The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d",
			future.Timestamp.UnixMilli(), future.Now.UnixMilli()))
	case errors.As(err, &retained):
		return retentionError(retained)
	case errors.Is(err, stream.ErrNotOnDemand):
		return invalidArgument(fmt.Sprintf("WarmThroughputMiBps is for streams in On-Demand mode, which stream %s under account %s is not.", name.Name, name.Account))
	case errors.Is(err, stream.ErrNotCommitted):
		return invalidArgument(fmt.Sprintf("WarmThroughputMiBps is for accounts with a minimum throughput billing commitment, which account %s does not have.", name.Account))
	case errors.As(err, &warm):
		return limitExceeded("WarmThroughputMiBps cannot exceed %d for a stream.", warm.Limit)
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

// retentionError says which of the bounds of a retention period was passed.
func retentionError(e *stream.RetentionError) error {
	asked := fmt.Sprintf("Requested retention period (%d hours) ", e.Asked)
	switch {
	case e.Asked < stream.MinRetentionHours:
		return invalidArgument(fmt.Sprintf("Minimum allowed retention period is %d hours. %sis too short.", stream.MinRetentionHours, asked))
	case e.Asked > stream.MaxRetentionHours:
		return invalidArgument(fmt.Sprintf("Maximum allowed retention period is %d hours. %sis too long.", stream.MaxRetentionHours, asked))
	case e.Asked < e.Existing:
		return invalidArgument(fmt.Sprintf("%sfor stream %s can not be shorter than existing retention period (%d hours). Use DecreaseRetentionPeriod API.",
			asked, e.Name.Name, e.Existing))
	}
	return invalidArgument(fmt.Sprintf("%sfor stream %s can not be longer than existing retention period (%d hours). Use IncreaseRetentionPeriod API.",
		asked, e.Name.Name, e.Existing))
}

// shardCountLimit answers for a shard count that is too far from the present one, or too large.
func shardCountLimit(e *stream.ShardCountError) error {
	const counts = " Current open shard count: %d, Target shard count: %d"
	switch {
	case errors.Is(e, stream.ErrTooManyShards):
		return limitExceeded("UpdateShardCount cannot scale up over double your current open shard count."+counts, e.Open, e.Target)
	case errors.Is(e, stream.ErrTooFewShards):
		return limitExceeded("UpdateShardCount cannot scale down below half your current open shard count."+counts, e.Open, e.Target)
	}
	return limitExceeded("Target shard count or number of open shards cannot be greater than %d."+counts, e.Limit, e.Open, e.Target)
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
