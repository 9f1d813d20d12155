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
	default:
		return fault(ErrorInvalidAttributeValue, "Invalid value for the parameter "+e.Name+".")
	}
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
