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
	// ErrExists says that a topic of the name exists and differs in an attribute.
	ErrExists = errors.New("topic exists with different attributes")
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
	// ErrUndeliverable says, from a Deliverer, that the endpoint can never take what it was handed.
	ErrUndeliverable = errors.New("cannot be delivered")
)

// AttributeError says that an attribute of a topic or a subscription was refused.
type AttributeError struct {
	Name  string
	Value string
	// Unknown: there is no such attribute, or it cannot be set. Unsupported: its value asks for what this room does not
	// carry out. When neither, the value is invalid.
	Unknown, Unsupported bool
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
