package kinesis

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// consumerError gives an error about consumers and subscriptions AWS's code and text; nil for any other.
func consumerError(err error) error {
	var (
		missing  *stream.ConsumerNotFoundError
		exists   *stream.ConsumerExistsError
		limit    *stream.ConsumerLimitError
		inactive *stream.ConsumerNotActiveError
		taken    *stream.SubscribedError
		rate     *stream.SubscribeRateError
		kept     *stream.HasConsumersError
	)
	switch {
	case errors.As(err, &missing):
		return consumerNotFound(missing.ID.String(), missing.ID.Stream.Account)
	case errors.As(err, &exists):
		return inUse("Consumer %s under stream %s already exists.", exists.ID.Name, exists.ID.Stream.ARN())
	case errors.As(err, &limit) && limit.Creating:
		return limitExceeded("This request would exceed the limit on the number of consumers that can simultaneously be in CREATING for the stream %s under account %s. Limit: %d.",
			limit.Name.Name, limit.Name.Account, limit.Limit)
	case errors.As(err, &limit):
		return limitExceeded("This request would exceed the limit on the number of consumers for the stream %s under account %s. Limit: %d.",
			limit.Name.Name, limit.Name.Account, limit.Limit)
	case errors.As(err, &inactive):
		c := inactive.Consumer
		return inUse("Consumer %s with creation timestamp %d under stream: %s , account %s is not in ACTIVE status.",
			c.Name, c.Created.Unix(), c.Stream.Name, c.Stream.Account)
	case errors.As(err, &taken):
		s := taken.Consumer.Stream
		return inUse("Another active subscription exists for this consumer: %s:%s:%s:%s", s.Account, s.Name, stream.ShardID(taken.Shard), taken.Consumer.Name)
	case errors.As(err, &rate):
		s := rate.Consumer.Stream
		return limitExceeded("Rate exceeded for consumer %s on shard %s in stream %s under account %s.",
			rate.Consumer.Name, stream.ShardID(rate.Shard), s.Name, s.Account)
	case errors.As(err, &kept):
		return inUse("DeleteStream can’t delete %s:%s because there are consumers associated with this data stream. To delete %[2]s anyway, set the EnforceConsumerDeletion parameter to true to force the deletion of all the consumers that are associated with it.",
			kept.Name.Account, kept.Name.Name)
	}
	return nil
}

func inUse(format string, a ...any) error {
	return &protocol.Error{Code: ResourceInUseException, Message: fmt.Sprintf(format, a...)}
}
