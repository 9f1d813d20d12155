package lambda

import (
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/mapping"
)

// translateMapping gives an error of the mappings' room AWS's code and text. What it does not know is a service
// exception.
func translateMapping(err error) error {
	var (
		exists      *mapping.ExistsError
		source      *mapping.SourceNotFoundError
		denied      *mapping.SourceDeniedError
		destination *mapping.DestinationError
		filter      *mapping.FilterError
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mapping.ErrNotFound):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "The resource you requested does not exist."}
	case errors.Is(err, mapping.ErrFunctionNotFound):
		return invalid("Function does not exist")
	case errors.As(err, &exists):
		return conflict("The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. Please update or delete the existing mapping with UUID %s",
			exists.Source, exists.Function, exists.UUID)
	case errors.As(err, &source) && source.Consumer:
		return invalid("Stream consumer not found: %s", source.ARN)
	case errors.As(err, &source):
		return invalid("Stream not found: %s", source.ARN)
	case errors.As(err, &denied):
		return invalid("%s", denied)
	case errors.As(err, &filter):
		return invalid("Invalid filter pattern definition.")
	case errors.Is(err, mapping.ErrTooManyFilters):
		return invalid("The number of filters exceeds the limit of %d.", mapping.MaxFilters)
	case errors.As(err, &destination) && errors.Is(destination.Err, mapping.ErrDestinationDenied):
		return invalid("The provided execution role does not have permissions to call %s", callOf(destination.ARN))
	case errors.As(err, &destination):
		return invalid("The destination ARN is invalid.")
	case errors.Is(err, mapping.ErrWindowFactor):
		return invalid("Parallelization factor must be equal to 1 when tumbling window period is configured")
	case errors.Is(err, mapping.ErrWindowFilters):
		return invalid("Filter criteria is not supported when tumbling window period is configured")
	case errors.Is(err, mapping.ErrTooManyTags):
		return invalid("Number of tags exceeds resource tag limit.")
	case errors.Is(err, mapping.ErrTooMany):
		return &protocol.Error{Code: ServiceException, Message: "There are too many event source mappings."}
	}
	if known := translateStart(err); known != nil {
		return known
	}
	return err
}

// callOf is what a role calls to send to a destination.
func callOf(destination string) string {
	switch a, _ := arn.Parse(destination); a.Service {
	case "sqs":
		return "SendMessage on SQS"
	case "sns":
		return "Publish on SNS"
	}
	return "PutObject on S3"
}

// translateStart knows what is said about starting positions and record ages.
func translateStart(err error) error {
	const null = "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null."
	switch {
	case errors.Is(err, mapping.ErrStartMissing):
		return invalid(null, "startingPosition")
	case errors.Is(err, mapping.ErrTimestampMissing):
		return invalid(null, "startingPositionTimestamp")
	case errors.Is(err, mapping.ErrTimestampUnused):
		return invalid("Timestamp only valid with StartingPosition AT_TIMESTAMP")
	case errors.Is(err, mapping.ErrTimestampFuture):
		return invalid("StartingPositionTimestamp cannot be in the future")
	case errors.Is(err, mapping.ErrRecordAge):
		return invalid("MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)")
	}
	return nil
}

// inUse answers for a change that comes during a transition; what is "update" or "delete".
func inUse(err error, what string) error {
	if errors.Is(err, mapping.ErrInUse) {
		return &protocol.Error{Code: ResourceInUseException, Message: "Cannot " + what + " the event source mapping because it is in use."}
	}
	return translateMapping(err)
}
