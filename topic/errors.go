package topic

import (
	"errors"
	"fmt"
)

// What the room answers when it cannot do what was asked. Callers test with errors.Is and errors.As.
var (
	// ErrNotFound says that there is no such topic.
	ErrNotFound = errors.New("topic not found")
	// ErrSubscriptionNotFound says that there is no such subscription.
	ErrSubscriptionNotFound = errors.New("subscription not found")
	// ErrInvalidName says that no topic can have this name.
	ErrInvalidName = errors.New("invalid topic name")
	// ErrInvalidFIFOName says that no FIFO topic can have this name.
	ErrInvalidFIFOName = errors.New("invalid name of a FIFO topic")
	// ErrExists says that a topic of the name exists and differs in an attribute.
	ErrExists = errors.New("topic exists with different attributes")
	// ErrTagsDiffer says that a topic of the name exists and has other tags.
	ErrTagsDiffer = errors.New("topic exists with different tags")
	// ErrTooManyTags says that a topic would have more tags than it may.
	ErrTooManyTags = errors.New("too many tags")
	// ErrSubscribed says that the endpoint is subscribed already, with other attributes.
	ErrSubscribed = errors.New("subscription exists with different attributes")
	// ErrTooManyTopics and ErrTooManySubscriptions say that a bounded table is full.
	ErrTooManyTopics        = errors.New("too many topics")
	ErrTooManySubscriptions = errors.New("too many subscriptions")
	// ErrEmptyMessage says that a message has no text.
	ErrEmptyMessage = errors.New("message is empty")
	// ErrTooLong says that a message, or a batch of them, is longer than MaxMessageBytes.
	ErrTooLong = errors.New("message is too long")
	// ErrSubject says that a subject is longer than allowed, or holds something that no subject may.
	ErrSubject = errors.New("invalid subject")
	// ErrNoGroup and ErrNoDeduplication say that a message for a FIFO topic lacks what it needs.
	ErrNoGroup         = errors.New("message has no group")
	ErrNoDeduplication = errors.New("message has nothing to be known again by")
	// ErrDeduplicationForeign says that a message for a standard topic says by what it is to be known again.
	ErrDeduplicationForeign = errors.New("only FIFO topics know messages again")
	// ErrGroup and ErrDeduplication say that there is no such id.
	ErrGroup         = errors.New("invalid id of a message group")
	ErrDeduplication = errors.New("invalid deduplication id")
	// ErrToken says that no subscription waits for a confirmation with this token.
	ErrToken = errors.New("invalid token")
	// ErrBacklogFull says that too many messages wait for a function.
	ErrBacklogFull = errors.New("too many messages wait for a function")
	// ErrUndeliverable says that an endpoint can never take what it was handed.
	ErrUndeliverable = errors.New("cannot be delivered")
)

// AttributeError says that an attribute of a topic or a subscription was refused.
type AttributeError struct {
	Name  string
	Value string
	// Unknown: there is no such attribute, or it cannot be set. Unsupported: its value asks for what this room does not
	// carry out. When neither, the value is invalid.
	Unknown, Unsupported bool
	// Reason says what is wrong with the value, in SNS's words; "" when it is only invalid.
	Reason string
}

func (e *AttributeError) Error() string {
	switch {
	case e.Unknown:
		return fmt.Sprintf("unknown attribute %s", e.Name)
	case e.Unsupported:
		return fmt.Sprintf("attribute %s is not supported", e.Name)
	}
	return fmt.Sprintf("invalid value for attribute %s", e.Name)
}
