package sqs

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// facts are what the texts of errors need beside the error.
type facts struct {
	call protocol.Call
	// handle is the receipt handle in question, number the value of the numeric parameter in question.
	handle string
	number int
	// queue is the queue's short name.
	queue string
}

// rule is one line of the table: an error of the room, and AWS's answer to it.
type rule struct {
	err  error
	code string
	text func(facts) string
}

func plain(text string) func(facts) string { return func(facts) string { return text } }

func outOfRange(parameter, reason string) func(facts) string {
	return func(f facts) string { return invalidNumber(f.number, parameter, reason) }
}

func invalidNumber(number int, parameter, reason string) string {
	return fmt.Sprintf("Value %d for parameter %s is invalid. Reason: %s", number, parameter, reason)
}

// rules is the table. Errors that need more than a text follow in translate.
func rules() []rule {
	return []rule{
		{queue.ErrNotFound, ErrorQueueDoesNotExist, missingQueue},
		{queue.ErrInvalidName, ErrorInvalidParameterValue, plain(
			"Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")},
		{queue.ErrInvalidFIFOName, ErrorInvalidParameterValue, plain("The name of a FIFO queue can only include alphanumeric " +
			"characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length")},
		{queue.ErrNoGroup, ErrorMissingParameter, plain("The request must contain the parameter MessageGroupId.")},
		{queue.ErrNoDeduplication, ErrorInvalidParameterValue, plain(noDeduplication)},
		{queue.ErrHandleExpired, ErrorInvalidParameterValue, func(f facts) string {
			return fmt.Sprintf("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", f.handle)
		}},
		{queue.ErrTooManyTags, ErrorInvalidParameterValue, func(f facts) string {
			return "Too many tags added for queue " + f.queue + "."
		}},
		{queue.ErrNotDeadLetterQueue, ErrorInvalidParameterValue, plain("Source queue must be configured as a Dead Letter " +
			"Queue.")},
		{queue.ErrSameQueue, ErrorInvalidParameterValue, plain("Source queue arn and destination queue arn cannot be the same.")},
		{queue.ErrQueueTypes, ErrorInvalidParameterValue, plain("The source queue and destination queue must be of the same " +
			"queue type.")},
		{queue.ErrMoveRate, ErrorInvalidParameterValue, plain("Value for parameter MaxNumberOfMessagesPerSecond is invalid. " +
			"Reason: You must enter a number that's between 1 and 500.")},
		{queue.ErrTaskRunning, ErrorInvalidParameterValue, plain("There is already a task running. Only one active task is " +
			"allowed for a source queue arn at a given time.")},
		{queue.ErrTaskEnded, ErrorInvalidParameterValue, plain("Only active tasks can be cancelled.")},
		{queue.ErrDeletedRecently, ErrorQueueDeletedRecently, plain("You must wait 60 seconds after deleting a queue " +
			"before you can create another with the same name.")},
		{queue.ErrOverLimit, ErrorOverLimit, plain("The maximum number of in flight messages is reached.")},
		{queue.ErrTooManyReceivers, ErrorRequestThrottled, plain("Too many receivers wait for messages of this queue.")},
		{queue.ErrEmptyBody, ErrorMissingParameter, plain("The request must contain the parameter MessageBody.")},
		{queue.ErrInvalidCharacters, ErrorInvalidMessageContents, plain("Invalid characters found. Valid unicode " +
			"characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")},
		{queue.ErrMessageGone, ErrorInvalidParameterValue, func(f facts) string {
			return fmt.Sprintf("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "+
				"available for visibility timeout change.", f.handle)
		}},
		{queue.ErrInvalidHandle, ErrorReceiptHandleIsInvalid, func(f facts) string {
			return fmt.Sprintf(`The input receipt handle "%s" is not a valid receipt handle.`, f.handle)
		}},
		{queue.ErrMaxRange, ErrorInvalidParameterValue, outOfRange("MaxNumberOfMessages",
			"Must be between 1 and 10, if provided.")},
		{queue.ErrWaitRange, ErrorInvalidParameterValue, outOfRange("WaitTimeSeconds",
			"Must be >= 0 and <= 20, if provided.")},
		{queue.ErrVisibilityRange, ErrorInvalidParameterValue, outOfRange("VisibilityTimeout",
			"Must be >= 0 and <= 43200, if provided.")},
		{queue.ErrVisibilityTotal, ErrorInvalidParameterValue, outOfRange("VisibilityTimeout",
			"Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")},
		{queue.ErrDelayRange, ErrorInvalidParameterValue, outOfRange("DelaySeconds",
			"DelaySeconds must be >= 0 and <= 900.")},
	}
}

const noDeduplication = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId " +
	"provided explicitly"

// translate turns an error of the room into AWS's. What it does not know stays as it is, and is an internal failure to
// the client.
func (f facts) translate(err error) error {
	var (
		made      *protocol.Error
		exists    *queue.ExistsError
		purged    *queue.PurgeInProgressError
		attribute *queue.AttributeError
		long      *queue.TooLongError
		user      *queue.MessageAttributeError
		redrive   *queue.RedriveError
		parameter *queue.ParameterError
	)
	switch {
	case err == nil, errors.As(err, &made):
		return err
	case errors.As(err, &exists):
		return fault(ErrorQueueNameExists,
			"A queue already exists with the same name and a different value for attribute "+exists.Attribute)
	case errors.As(err, &purged):
		return fault(ErrorPurgeQueueInProgress,
			"Only one PurgeQueue operation on "+purged.Queue+" is allowed every 60 seconds.")
	case errors.As(err, &attribute):
		return queueAttributeFault(attribute)
	case errors.As(err, &long):
		return lengthFault(long)
	case errors.As(err, &redrive):
		return redriveFault(redrive)
	case errors.As(err, &parameter):
		return parameterFault(parameter)
	case errors.As(err, &user):
		return fault(ErrorInvalidParameterValue, messageAttributeText(user))
	}
	for _, r := range rules() {
		if errors.Is(err, r.err) {
			return fault(r.code, r.text(f))
		}
	}
	return err
}

// fault makes an answer. AWS gives these codes the same HTTP status in both protocols; that of the others is 400.
func fault(code, text string) *protocol.Error {
	e := &protocol.Error{Code: code, Message: text}
	switch code {
	case ErrorInvalidAddress, ErrorReceiptHandleIsInvalid:
		e.Status = http.StatusNotFound
	case ErrorOverLimit, ErrorPurgeQueueInProgress, ErrorRequestThrottled:
		e.Status = http.StatusForbidden
	}
	return e
}

// missingQueue depends on the protocol, as on AWS.
func missingQueue(f facts) string {
	if f.call.Protocol == protocol.Query {
		return "The specified queue does not exist for this wsdl version."
	}
	return "The specified queue does not exist."
}

func foreignQueue() error {
	return fault(ErrorQueueDoesNotExist, "The specified queue does not exist or you do not have access to it.")
}

func invalidAddress(address string) error {
	return fault(ErrorInvalidAddress, "The address "+address+" is not valid for this endpoint.")
}

// lengthFault words a message or a batch that is too long.
func lengthFault(e *queue.TooLongError) error {
	if e.Batch {
		return fault(ErrorBatchRequestTooLong,
			fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", e.Limit, e.Bytes))
	}
	return fault(ErrorInvalidParameterValue,
		fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", e.Limit))
}

// queueAttributeFault words an attribute that was refused.
func queueAttributeFault(e *queue.AttributeError) error {
	switch e.Problem {
	case queue.UnknownAttribute:
		return fault(ErrorInvalidAttributeName, "Unknown Attribute "+e.Name+".")
	case queue.FIFOOnlyAttribute:
		return fault(ErrorInvalidAttributeName, "You can specify the "+e.Name+" only when FifoQueue is set to true.")
	case queue.UnsupportedAttribute:
		return fault(ErrorInvalidAttributeValue,
			"Invalid value for the parameter "+e.Name+". Reason: This server does not support "+e.What+".")
	case queue.FixedAttribute:
		return fault(ErrorInvalidAttributeValue,
			"Invalid value for the parameter "+e.Name+". Reason: Modifying queue type is not supported.")
	case queue.ThroughputNeedsScope:
		return fault(ErrorInvalidAttributeValue, "Invalid value for the parameter "+e.Name+". Reason: To set "+
			"FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be messageGroup.")
	default:
		return fault(ErrorInvalidAttributeValue, "Invalid value for the parameter "+e.Name+".")
	}
}

// redriveFault words a redrive policy, or a redrive allow policy, that was refused.
func redriveFault(e *queue.RedriveError) error {
	const cannot = "Amazon SQS can't create the redrive allow policy"
	reason := ""
	switch e.Problem {
	case queue.RedriveMalformed:
		return fault(ErrorInvalidAttributeValue,
			"Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.")
	case queue.AllowMalformed:
		return fault(ErrorInvalidAttributeValue,
			"Invalid value for the parameter RedriveAllowPolicy. Reason: "+cannot+", as it’s in an unsupported format.")
	case queue.RedriveNoCount:
		reason = "Redrive policy does not contain mandatory attribute: maxReceiveCount."
	case queue.RedriveNoTarget:
		reason = "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."
	case queue.RedriveCountRange:
		reason = "Invalid value for maxReceiveCount: " + e.Found + ", valid values are from 1 to 1000 both inclusive."
	case queue.RedriveTargetARN:
		reason = "Dead-letter target ARN should be fully qualified ARN."
	case queue.RedriveTargetService:
		reason = "Only SQS queues are valid resources for deadLetterTargetArn."
	case queue.RedriveUnknownField:
		reason = "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn]."
	case queue.RedriveOtherType:
		reason = "Dead-letter queue must be same type of queue as the source.."
	case queue.RedriveOtherOwner:
		reason = "Dead-letter target owner should be same as the source."
	case queue.RedriveTargetMissing:
		reason = "Dead letter target does not exist."
	case queue.RedriveDenied:
		reason = "The redrive allow policy of the dead-letter queue does not allow this source queue."
	case queue.AllowSourcesUnasked:
		reason = cannot + ". To specify one or more source queue ARNs, you must set redrivePermission to byQueue."
	case queue.AllowNoSources:
		reason = cannot + ". When you specify the byQueue permission type, you must also specify one or more " +
			"sourceQueueArns values."
	case queue.AllowTooManySources:
		reason = cannot + ". The maximum number of source queue ARNs you can specify is 10."
	}
	return invalidValue("Value " + e.Value + " for parameter " + e.Attribute + " is invalid. Reason: " + reason)
}

// parameterFault words a parameter of a send or a receive that was refused.
func parameterFault(e *queue.ParameterError) error {
	reason := e.Name + " can only include alphanumeric and punctuation characters. 1 to 128 in length."
	if e.Foreign {
		reason = "The request include parameter that is not valid for this queue type."
	}
	return invalidValue("Value " + e.Value + " for parameter " + e.Name + " is invalid. Reason: " + reason)
}

// messageAttributeText words a message's attribute that was refused.
func messageAttributeText(e *queue.MessageAttributeError) string {
	const user = "Message (user) attribute "
	switch e.Problem {
	case queue.TooManyAttributes:
		return fmt.Sprintf("Number of message attributes [%d] exceeds the allowed maximum [10].", e.Count)
	case queue.AttributeNameEmpty:
		return "The request must contain non-empty message (user) attribute names."
	case queue.AttributeNameLength:
		return user + "name must be shorter than 256 bytes."
	case queue.AttributeNameReserved:
		return "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved " +
			"for internal use."
	case queue.AttributeNameDotFirst:
		return user + "name must not begin with character '.'."
	case queue.AttributeNameDotLast:
		return user + "name must not end with character '.'."
	case queue.AttributeNameDots:
		return user + "name must not have successive '.' characters."
	case queue.AttributeNameCharacters:
		return "Message (user) attributes name can only contain upper and lower score characters, digits, periods, " +
			"hyphens and underscores. "
	case queue.AttributeTypeEmpty:
		return "The message (user) attribute '" + e.Name + "' must contain a non-empty message attribute type."
	case queue.AttributeTypeInvalid:
		return "The type of message (user) attribute '" + e.Name + "' is invalid. You must use only the following " +
			"supported type prefixes: Binary, Number, String."
	case queue.AttributeTypeLength:
		return user + "type must be shorter than 256 bytes."
	case queue.AttributeValueEmpty:
		return user + "'" + e.Name + "' must contain a non-empty value of type '" + e.Type + "'."
	case queue.AttributeNotNumber:
		return "Can't cast the value of message (user) attribute '" + e.Name + "' to a number."
	default:
		return "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to " +
			"#xFFFD | #x10000 to #x10FFFF"
	}
}
