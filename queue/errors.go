package queue

import (
	"errors"
	"fmt"
	"time"
)

// Sentinels. They come wrapped with the operation and the queue; test with errors.Is.
var (
	// ErrNotFound says that there is no such queue.
	ErrNotFound = errors.New("queue does not exist")
	// ErrInvalidName says that a name breaks the rules of ValidName.
	ErrInvalidName = errors.New("invalid queue name")
	// ErrDeletedRecently says that a queue of this name was deleted less than Config.RecreateDelay ago.
	ErrDeletedRecently = errors.New("queue was deleted recently")
	// ErrOverLimit says that as many messages as may be are in flight.
	ErrOverLimit = errors.New("too many messages in flight")
	// ErrTooManyReceivers says that the queue's line of waiting receivers is full.
	ErrTooManyReceivers = errors.New("too many waiting receivers")
	// ErrEmptyBody says that a message has no body.
	ErrEmptyBody = errors.New("message body is empty")
	// ErrInvalidCharacters says that a body holds something that XML 1.0 cannot carry.
	ErrInvalidCharacters = errors.New("message body holds invalid characters")
	// ErrMessageGone says that a visibility cannot be changed because the message is no longer there.
	ErrMessageGone = errors.New("message does not exist or is not available for a visibility timeout change")
	// ErrInvalidHandle says that a receipt handle was not made by this room for this queue.
	ErrInvalidHandle = errors.New("invalid receipt handle")
	// ErrHandleExpired says that a receipt handle of a FIFO queue was not used within its visibility timeout.
	ErrHandleExpired = errors.New("receipt handle has expired")
	// ErrInvalidFIFOName says that the name of a FIFO queue breaks the rules of ValidName, or does not end in ".fifo".
	ErrInvalidFIFOName = errors.New("invalid name of a FIFO queue")
	// ErrNoGroup says that a message for a FIFO queue has no message group.
	ErrNoGroup = errors.New("message has no group")
	// ErrNoDeduplication says that a message for a FIFO queue has no deduplication id, and its body is not to stand in.
	ErrNoDeduplication = errors.New("message has no deduplication id")
	// ErrNotDeadLetterQueue says that no queue's redrive policy names the queue whose messages are to be moved.
	ErrNotDeadLetterQueue = errors.New("not a dead-letter queue")
	// ErrDestinationNotFound says that there is no queue to move messages to.
	ErrDestinationNotFound = errors.New("destination does not exist")
	// ErrSameQueue says that messages are to be moved to where they are.
	ErrSameQueue = errors.New("source and destination are the same")
	// ErrQueueTypes says that messages are to be moved between a FIFO queue and one that is none.
	ErrQueueTypes = errors.New("source and destination are of different types")
	// ErrMoveRate says that a rate is not between 1 and 500 messages a second.
	ErrMoveRate = errors.New("rate out of range")
	// ErrTaskRunning says that the queue's messages are being moved already.
	ErrTaskRunning = errors.New("a task is running")
	// ErrTaskNotFound says that there is no such task.
	ErrTaskNotFound = errors.New("task does not exist")
	// ErrTaskEnded says that a task cannot be cancelled since it has ended.
	ErrTaskEnded = errors.New("task has ended")
	// ErrTooManyTags says that a queue would have more than MaxTags tags.
	ErrTooManyTags = errors.New("too many tags")
	// ErrVisibilityRange says that a visibility timeout is not between 0 and 12 hours.
	ErrVisibilityRange = errors.New("visibility timeout out of range")
	// ErrVisibilityTotal says that a visibility timeout would end more than 12 hours after the receive.
	ErrVisibilityTotal = errors.New("total visibility timeout beyond the limit")
	// ErrDelayRange says that a message's delay is not between 0 and 15 minutes.
	ErrDelayRange = errors.New("delay out of range")
	// ErrWaitRange says that a receive's wait is not between 0 and 20 seconds.
	ErrWaitRange = errors.New("wait time out of range")
	// ErrMaxRange says that a receive asks for less than 1 or more than 10 messages.
	ErrMaxRange = errors.New("number of messages out of range")
)

// ExistsError says that a queue of the name exists and differs in an attribute.
type ExistsError struct {
	// Attribute is the (first) attribute whose value differs.
	Attribute string
}

func (e *ExistsError) Error() string {
	return fmt.Sprintf("queue exists with a different value for attribute %s", e.Attribute)
}

// PurgeInProgressError says that the queue was purged less than 60 seconds ago.
type PurgeInProgressError struct {
	// Queue is the queue's short name.
	Queue string
	// Again is when the next purge is allowed.
	Again time.Time
}

func (e *PurgeInProgressError) Error() string {
	return fmt.Sprintf("queue %s was purged within the last 60 seconds", e.Queue)
}

// AttributeProblem says what is wrong with a queue's attribute.
type AttributeProblem int

// The problems of AttributeError.
const (
	// UnknownAttribute: there is no such attribute, or it cannot be set, or not on a queue of this type.
	UnknownAttribute AttributeProblem = iota + 1
	// InvalidAttribute: the value is not a number or out of range.
	InvalidAttribute
	// UnsupportedAttribute: the value asks for something that this room does not carry out.
	UnsupportedAttribute
	// FIFOOnlyAttribute: the attribute exists on FIFO queues alone.
	FIFOOnlyAttribute
	// FixedAttribute: the value asks a queue to be of the other type.
	FixedAttribute
	// ThroughputNeedsScope: throughput by group asks for deduplication by group.
	ThroughputNeedsScope
)

// AttributeError says that a queue's attribute was refused.
type AttributeError struct {
	Name    string
	Problem AttributeProblem
	// What names the thing asked for, as in "FIFO queues"; set for UnsupportedAttribute.
	What string
}

func (e *AttributeError) Error() string {
	switch e.Problem {
	case UnknownAttribute:
		return fmt.Sprintf("unknown attribute %s", e.Name)
	case UnsupportedAttribute:
		return fmt.Sprintf("attribute %s: %s are not supported", e.Name, e.What)
	case FIFOOnlyAttribute:
		return fmt.Sprintf("attribute %s is for FIFO queues only", e.Name)
	case FixedAttribute:
		return fmt.Sprintf("attribute %s cannot change", e.Name)
	default:
		return fmt.Sprintf("invalid value for attribute %s", e.Name)
	}
}

// RedriveProblem says what is wrong with a redrive policy or a redrive allow policy.
type RedriveProblem int

// The problems of RedriveError: those of redrive policies, then those of redrive allow policies.
const (
	// RedriveMalformed: the policy is no JSON object.
	RedriveMalformed RedriveProblem = iota + 1
	// RedriveNoCount: maxReceiveCount is not there.
	RedriveNoCount
	// RedriveNoTarget: deadLetterTargetArn is not there.
	RedriveNoTarget
	// RedriveCountRange: maxReceiveCount is not between 1 and 1000.
	RedriveCountRange
	// RedriveTargetARN: deadLetterTargetArn is no ARN.
	RedriveTargetARN
	// RedriveTargetService: deadLetterTargetArn is not the ARN of a queue.
	RedriveTargetService
	// RedriveUnknownField: there is something else in it.
	RedriveUnknownField
	// RedriveOtherType: one of the two queues is a FIFO queue.
	RedriveOtherType
	// RedriveOtherOwner: the target is in another account or region.
	RedriveOtherOwner
	// RedriveTargetMissing: the target does not exist.
	RedriveTargetMissing
	// RedriveDenied: the target's redrive allow policy says no.
	RedriveDenied
	// AllowMalformed: the policy is not of the right form.
	AllowMalformed
	// AllowSourcesUnasked: there are sources without byQueue.
	AllowSourcesUnasked
	// AllowNoSources: there are none with byQueue.
	AllowNoSources
	// AllowTooManySources: there are more than ten.
	AllowTooManySources
)

// RedriveError says that a redrive policy or a redrive allow policy was refused.
type RedriveError struct {
	// Attribute is the queue's attribute, Value the policy as given.
	Attribute, Value string
	Problem          RedriveProblem
	// Found is the maxReceiveCount, for RedriveCountRange.
	Found string
}

func (e *RedriveError) Error() string {
	return fmt.Sprintf("attribute %s refused (problem %d): %s", e.Attribute, int(e.Problem), e.Value)
}

// ParameterError says that a parameter of a send or a receive was refused.
type ParameterError struct {
	Name, Value string
	// Foreign is true when queues of this type do not have the parameter, false when the value is invalid.
	Foreign bool
}

func (e *ParameterError) Error() string {
	if e.Foreign {
		return fmt.Sprintf("parameter %s does not go with this type of queue", e.Name)
	}
	return fmt.Sprintf("invalid %s %q", e.Name, e.Value)
}

// TooLongError says that a message, or a batch of them, is longer than allowed.
type TooLongError struct {
	// Batch is true when the sum over a batch is too long, false for a single message.
	Batch bool
	// Limit and Bytes are the allowed and the actual size, bodies and attributes counted.
	Limit, Bytes int
}

func (e *TooLongError) Error() string {
	if e.Batch {
		return fmt.Sprintf("batch of %d bytes is longer than %d", e.Bytes, e.Limit)
	}
	return fmt.Sprintf("message of %d bytes is longer than %d", e.Bytes, e.Limit)
}

// MessageAttributeProblem says what is wrong with a message's attribute.
type MessageAttributeProblem int

// The problems of MessageAttributeError.
const (
	// TooManyAttributes: more than ten.
	TooManyAttributes MessageAttributeProblem = iota + 1
	// AttributeNameEmpty: a name is "".
	AttributeNameEmpty
	// AttributeNameLength: a name has more than 256 bytes.
	AttributeNameLength
	// AttributeNameCharacters: a name has something else than letters, digits, '_', '-' and '.'.
	AttributeNameCharacters
	// AttributeNameReserved: a name begins with "AWS." or "Amazon.".
	AttributeNameReserved
	// AttributeNameDotFirst: a name begins with '.'.
	AttributeNameDotFirst
	// AttributeNameDotLast: a name ends with '.'.
	AttributeNameDotLast
	// AttributeNameDots: a name has two dots in a row.
	AttributeNameDots
	// AttributeTypeEmpty: an attribute has no type.
	AttributeTypeEmpty
	// AttributeTypeInvalid: a type begins with neither String nor Number nor Binary.
	AttributeTypeInvalid
	// AttributeTypeLength: a type has more than 256 bytes.
	AttributeTypeLength
	// AttributeValueEmpty: an attribute has no value.
	AttributeValueEmpty
	// AttributeValueCharacters: a text value holds something that XML 1.0 cannot carry.
	AttributeValueCharacters
	// AttributeNotNumber: a Number's value is not one of at most 38 digits between 10^-128 and 10^126.
	AttributeNotNumber
)

// MessageAttributeError says that a message's attribute was refused.
type MessageAttributeError struct {
	// Name and Type are the attribute's; both empty for TooManyAttributes.
	Name, Type string
	Problem    MessageAttributeProblem
	// Count is the number of attributes, for TooManyAttributes.
	Count int
}

func (e *MessageAttributeError) Error() string {
	if e.Problem == TooManyAttributes {
		return fmt.Sprintf("%d message attributes are too many", e.Count)
	}
	return fmt.Sprintf("message attribute %q of type %q refused (problem %d)", e.Name, e.Type, int(e.Problem))
}
