package stream

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/arn"
)

// Limits of consumers and their subscriptions, as AWS has them.
const (
	// MaxConsumers is how many consumers a stream may have, MaxCommittedConsumers how many if it is on demand and its
	// account has a commitment, maxConsumersCreating how many of them may be CREATING.
	MaxConsumers          = 20
	MaxCommittedConsumers = 50
	maxConsumersCreating  = 5
	// SubscriptionLife is how long a subscription lasts.
	SubscriptionLife = 5 * time.Minute
	// SubscriptionRest is how long after a successful call no other takes the shard over.
	SubscriptionRest = 5 * time.Second
	// SubscriptionIdle is how long a subscription without records waits before it says so.
	SubscriptionIdle = 5 * time.Second
	// subscribeCalls is how many calls there may be in a second for a consumer and a shard.
	subscribeCalls = 5
)

// Consumer is a snapshot of a registered consumer: someone who reads a stream through subscriptions of their own.
type Consumer struct {
	Stream  Name
	Name    string
	Status  Status    // CREATING, ACTIVE or DELETING
	Created time.Time // whole seconds
}

// ID names this very registration.
func (c Consumer) ID() ConsumerID { return ConsumerID{c.Stream, c.Name, c.Created.Unix()} }

// ARN returns the consumer's Amazon Resource Name. A consumer that is registered again later has another one.
func (c Consumer) ARN() string { return c.ID().String() }

// ConsumerID names a consumer.
type ConsumerID struct {
	Stream Name
	Name   string
	// Created is when it was registered, in seconds since 1970; 0 means whichever consumer has the name now.
	Created int64
}

// consumerMark stands between the stream and the consumer in an ARN.
const consumerMark = "/consumer/"

// String returns the ARN if the id names one registration, else the consumer's name.
func (id ConsumerID) String() string {
	if id.Created == 0 {
		return id.Name
	}
	return id.Stream.ARN() + consumerMark + id.Name + ":" + strconv.FormatInt(id.Created, 10)
}

// ParseConsumerARN reads the ARN of a consumer. That of anything else is an error.
func ParseConsumerARN(s string) (ConsumerID, error) {
	a, err := arn.Parse(s)
	if err != nil {
		return ConsumerID{}, err
	}
	resource, ok := strings.CutPrefix(a.Resource, "stream/")
	stream, consumer, marked := strings.Cut(resource, consumerMark)
	name, seconds, dated := strings.Cut(consumer, ":")
	id := ConsumerID{Stream: Name{Account: a.Account, Region: a.Region, Name: stream}, Name: name}
	created, err := strconv.ParseInt(seconds, 10, 64)
	switch {
	case a.Service != "kinesis" || !ok || !marked || !dated || err != nil || created <= 0 || !allDigits(seconds) || seconds[0] == '0',
		!validName(stream), !validName(name), !validAccount(a.Account), a.Region == "":
		return ConsumerID{}, fmt.Errorf("%q is not the ARN of a consumer", s)
	}
	id.Created = created
	return id, nil
}
