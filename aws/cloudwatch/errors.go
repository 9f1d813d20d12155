package cloudwatch

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
)

// translate turns an error of the room into AWS's. What it does not know stays as it is, and is an internal failure to
// the client.
func translate(err error) error {
	var limit *metric.LimitError
	switch {
	case errors.As(err, &limit):
		return &protocol.Error{
			Code:    ErrorLimitExceededFault,
			Message: fmt.Sprintf("The maximum number of metrics, %d, has been reached.", limit.Limit),
		}
	case errors.Is(err, alarm.ErrNotFound):
		return &protocol.Error{Code: ErrorResourceNotFound, Message: "Unknown alarm"}
	case errors.Is(err, alarm.ErrLimit):
		return &protocol.Error{Code: ErrorLimitExceededFault, Message: "The maximum number of alarms has been reached."}
	case errors.Is(err, alarm.ErrTags):
		return invalid("An alarm has at most 50 tags.")
	case errors.Is(err, metric.ErrToken):
		return &protocol.Error{Code: ErrorInvalidNextToken, Message: "The next token is not valid."}
	}
	return err
}

func invalid(format string, args ...any) error {
	return &protocol.Error{Code: InvalidParameterValueException, Message: fmt.Sprintf(format, args...)}
}

func combination(format string, args ...any) error {
	return &protocol.Error{Code: InvalidParameterCombinationException, Message: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &protocol.Error{Code: MissingRequiredParameterException, Message: fmt.Sprintf(format, args...)}
}

func validation(format string, args ...any) error {
	return &protocol.Error{Code: ValidationException, Message: fmt.Sprintf(format, args...)}
}

// errOrder says that a range of time is none.
func errOrder() error {
	return invalid("The parameter StartTime must be less than the parameter EndTime.")
}

// foreign refuses what is asked of another account: monitoring across accounts is not offered.
func foreign(member string) error {
	return invalid("The parameter %s is not supported: metrics of other accounts cannot be seen.", member)
}
