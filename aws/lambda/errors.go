package lambda

import (
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/archive"
)

func invalid(format string, a ...any) error {
	return &protocol.Error{Code: InvalidParameterValueException, Message: fmt.Sprintf(format, a...)}
}

func conflict(format string, a ...any) error {
	return &protocol.Error{Code: ResourceConflictException, Message: fmt.Sprintf(format, a...)}
}

// environmentRefused is how AWS begins its answers about variables.
const environmentRefused = "Lambda was unable to configure your environment variables because the environment variables you have provided "

// translate gives an error of the functions' room AWS's code and text. What it does not know is a service exception.
func translate(err error) error {
	var refusal *protocol.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return err
	}
	for _, table := range []func(error) error{translateState, translateSettings, translateCode, translateInvocation} {
		if known := table(err); known != nil {
			return known
		}
	}
	return err
}

// translateState knows what is said about which functions there are and what state they are in.
func translateState(err error) error {
	var (
		missing  *function.NotFoundError
		region   *function.WrongRegionError
		updating *function.UpdatingError
		notReady *function.NotReadyError
	)
	switch {
	case errors.As(err, &missing):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "Function not found: " + missing.ARN}
	case errors.As(err, &region):
		return &protocol.Error{Code: ResourceNotFoundException, Message: fmt.Sprintf(
			"Functions from '%s' are not reachable in this region ('%s')", region.Region, region.Here)}
	case errors.Is(err, function.ErrWrongAccount):
		return &protocol.Error{Code: AccessDeniedException, Status: 403}
	case errors.Is(err, function.ErrQualifierMismatch):
		return invalid("The derived qualifier from the function name does not match the specified qualifier.")
	case errors.As(err, &updating):
		return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", updating.ARN)
	case errors.As(err, &notReady):
		return conflict("The operation cannot be performed at this time. The function is currently in the following state: %s", notReady.State)
	case errors.Is(err, function.ErrRevisionMismatch):
		return &protocol.Error{
			Code:    PreconditionFailedException,
			Message: "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
		}
	}
	return nil
}

// translateSettings knows what is said about a function's settings.
func translateSettings(err error) error {
	var (
		long     *function.NameTooLongError
		runtime  *function.RuntimeError
		setting  *function.SettingError
		large    *function.EnvironmentTooLargeError
		reserved *function.ReservedVariablesError
	)
	switch {
	case errors.As(err, &long):
		return invalid("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to %d",
			long.Name, function.MaxNameLength)
	case errors.Is(err, function.ErrIncomplete):
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case errors.As(err, &runtime) && runtime.Deprecated:
		return invalid("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.",
			runtime.Runtime)
	case errors.As(err, &runtime):
		return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN",
			runtime.Runtime, strings.Join(function.Runtimes(), ", "))
	case errors.As(err, &setting):
		return invalid("%s", setting.Error())
	case errors.As(err, &large):
		return invalid(environmentRefused+"exceeded the 4KB limit. String measured: %s", large.JSON)
	case errors.As(err, &reserved):
		return invalid(environmentRefused+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(reserved.Names, ", "))
	}
	return nil
}

// translateCode knows what is said about a function's code.
func translateCode(err error) error {
	switch {
	case errors.Is(err, function.ErrNoCode):
		return invalid("Please provide a source for function code.")
	case errors.Is(err, function.ErrCodeTooLarge):
		return &protocol.Error{Code: RequestEntityTooLargeException, Message: "Zipped size must be smaller than 52428800 bytes"}
	case errors.Is(err, archive.ErrTooLarge):
		return invalid("Unzipped size must be smaller than 262144000 bytes")
	case errors.Is(err, archive.ErrEmpty):
		return invalid("Uploaded file must be a non-empty zip")
	case errors.Is(err, archive.ErrUnreadable):
		return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	return nil
}

// translateInvocation knows what keeps an invocation from its function.
func translateInvocation(err error) error {
	var (
		large     *function.PayloadTooLargeError
		payload   *function.InvalidPayloadError
		throttled *function.ThrottledError
	)
	switch {
	case errors.As(err, &large):
		return &protocol.Error{
			Code:    RequestEntityTooLargeException,
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", large.Limit),
		}
	case errors.As(err, &payload):
		return &protocol.Error{
			Code:    InvalidRequestContentException,
			Message: "Could not parse request body into json: Could not parse payload into json: " + payload.Problem,
		}
	case errors.As(err, &throttled):
		return &protocol.Error{
			Code: TooManyRequestsException, Message: "Rate Exceeded.",
			Fields: []protocol.Field{{Name: "Reason", Value: string(throttled.Reason)}},
		}
	}
	return nil
}
