package stream

import "fmt"

// HasConsumersError says that a stream was not deleted since it has consumers.
type HasConsumersError struct{ Name Name }

func (e *HasConsumersError) Error() string { return fmt.Sprintf("stream %s has consumers", e.Name) }

// ConsumerNotFoundError says that there is no such consumer.
type ConsumerNotFoundError struct{ ID ConsumerID }

func (e *ConsumerNotFoundError) Error() string {
	return fmt.Sprintf("consumer %s of stream %s not found", e.ID.Name, e.ID.Stream)
}

// ConsumerExistsError says that a consumer's name is taken.
type ConsumerExistsError struct{ ID ConsumerID }

func (e *ConsumerExistsError) Error() string {
	return fmt.Sprintf("consumer %s of stream %s exists", e.ID.Name, e.ID.Stream)
}

// ConsumerLimitError says that a stream has as many consumers as it may, or as many that are CREATING.
type ConsumerLimitError struct {
	Name     Name
	Creating bool
	Limit    int
}

func (e *ConsumerLimitError) Error() string {
	return fmt.Sprintf("stream %s has %d consumers (only CREATING counted: %t)", e.Name, e.Limit, e.Creating)
}

// ConsumerNotActiveError says that a consumer cannot subscribe in the state it is in.
type ConsumerNotActiveError struct{ Consumer Consumer }

func (e *ConsumerNotActiveError) Error() string {
	return fmt.Sprintf("consumer %s is %s", e.Consumer.ARN(), e.Consumer.Status)
}

// SubscribedError says that another subscription to the shard is the one that counts: to a caller, that the last one is
// too young to be taken over; to a subscription, that it was taken over.
type SubscribedError struct {
	Consumer Consumer
	Shard    uint32
}

func (e *SubscribedError) Error() string {
	return fmt.Sprintf("another subscription of %s to %s", e.Consumer.ARN(), ShardID(e.Shard))
}

// SubscribeRateError says that a consumer asks too often for subscriptions to a shard.
type SubscribeRateError struct {
	Consumer Consumer
	Shard    uint32
}

func (e *SubscribeRateError) Error() string {
	return fmt.Sprintf("too many calls of %s for %s", e.Consumer.ARN(), ShardID(e.Shard))
}
