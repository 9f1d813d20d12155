package sns

import (
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

func fault(code, text string) *protocol.Error { return &protocol.Error{Code: code, Message: text} }

// invalid words a parameter that was refused, as AWS does for nearly all of them.
func invalid(what string) *protocol.Error {
	return fault(InvalidParameterException, "Invalid parameter: "+what)
}

func missingTopic() *protocol.Error { return fault(NotFoundException, "Topic does not exist") }

func missingSubscription() *protocol.Error {
	return fault(NotFoundException, "Subscription does not exist")
}

// translate gives an error of the room AWS's code and text. What it does not know stays as it is, and is an internal
// failure to the client.
func translate(err error) error {
	var attribute *topic.AttributeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, topic.ErrNotFound):
		return missingTopic()
	case errors.Is(err, topic.ErrSubscriptionNotFound):
		return missingSubscription()
	case errors.Is(err, topic.ErrInvalidName):
		return invalid("Topic Name")
	case errors.Is(err, topic.ErrInvalidFIFOName):
		return invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, " +
			"numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	case errors.Is(err, topic.ErrTagsDiffer):
		return invalid("Tags Reason: Topic already exists with different tags")
	case errors.Is(err, topic.ErrTooManyTags):
		return fault(TagLimitExceededException, "Could not complete request: tag quota of per resource exceeded")
	case errors.Is(err, topic.ErrToken):
		return invalid("Token")
	case errors.Is(err, topic.ErrBacklogFull):
		return fault(ErrorThrottled, "Rate exceeded")
	case errors.Is(err, topic.ErrExists):
		return invalid("Attributes Reason: Topic already exists with different attributes")
	case errors.Is(err, topic.ErrSubscribed):
		return invalid("Attributes Reason: Subscription already exists with different attributes")
	case errors.Is(err, topic.ErrTooManyTopics):
		return fault(TopicLimitExceededException, "Topic limit exceeded")
	case errors.Is(err, topic.ErrTooManySubscriptions):
		return fault(SubscriptionLimitExceededException, "Subscription limit exceeded")
	case errors.Is(err, topic.ErrEmptyMessage):
		return invalid("Empty message")
	case errors.Is(err, topic.ErrTooLong):
		return invalid("Message too long")
	case errors.Is(err, topic.ErrSubject):
		return invalid("Subject")
	case errors.As(err, &attribute):
		return invalid("Attributes Reason: " + reason(attribute))
	}
	return translateOrder(err)
}

// translateOrder does the same for what is wrong with a message's group or deduplication id.
func translateOrder(err error) error {
	switch {
	case errors.Is(err, topic.ErrNoGroup):
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	case errors.Is(err, topic.ErrNoDeduplication):
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case errors.Is(err, topic.ErrDeduplicationForeign):
		return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case errors.Is(err, topic.ErrGroup):
		return invalid("MessageGroupId Reason: " + idRule)
	case errors.Is(err, topic.ErrDeduplication):
		return invalid("MessageDeduplicationId Reason: " + idRule)
	}
	return err
}

const idRule = "Can only include alphanumeric and punctuation characters. 1 to 128 in length"

// reason says what is wrong with an attribute.
func reason(e *topic.AttributeError) string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Unknown:
		return "Unknown attribute: " + e.Name
	case e.Unsupported:
		return e.Name + ": This server does not support the value [" + e.Value + "]."
	case e.Name == topic.FilterPolicyScope:
		return e.Name + ": Invalid value [" + e.Value + "]. Please use either MessageBody or MessageAttributes"
	case e.Name == topic.RawMessageDelivery:
		return e.Name + ": Invalid value [" + e.Value + "]. Must be true or false."
	}
	return e.Name + ": Invalid value [" + e.Value + "]."
}

// translateSet does the same where one attribute was to be set: AWS says only that its name is wrong.
func translateSet(err error) error {
	var attribute *topic.AttributeError
	if errors.As(err, &attribute) {
		if attribute.Unknown {
			return invalid("AttributeName")
		}
		return invalid(reason(attribute))
	}
	return translate(err)
}
