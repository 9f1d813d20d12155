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

// untyped is invalid for the few answers in whose body AWS says no "Type".
func untyped(format string, a ...any) error {
	return &protocol.Error{Code: InvalidParameterValueException, Message: fmt.Sprintf(format, a...), Untyped: true}
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
	for _, table := range []func(error) error{translateState, translateLayers, translateAlias, translateProvisioned, translatePolicy, translateSettings, translateCode, translateInvocation} {
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

// translateLayers knows what is said about the layers of a function.
func translateLayers(err error) error {
	var (
		missing   *function.LayerNotFoundError
		forbidden *function.LayerForbiddenError
		twice     *function.LayerTwiceError
		elsewhere *function.LayerElsewhereError
		large     *function.CodeAndLayersError
	)
	switch {
	case errors.Is(err, function.ErrTooManyLayers):
		return invalid("Cannot reference more than %d layers.", function.MaxLayers)
	case errors.As(err, &missing):
		return invalid("Layer version %s does not exist.", missing.ARN)
	case errors.As(err, &twice):
		return invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer.",
			twice.One, twice.Other)
	case errors.As(err, &elsewhere):
		return invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", elsewhere.Region)
	case errors.As(err, &forbidden):
		return &protocol.Error{Code: AccessDeniedException, Message: fmt.Sprintf(
			"User: arn:aws:iam::%s:root is not authorized to perform: lambda:GetLayerVersion on resource: %s because no resource-based policy allows the lambda:GetLayerVersion action",
			forbidden.Account, forbidden.ARN)}
	case errors.As(err, &large) && large.Layers:
		return invalid("Layers consume more than the available size of %d bytes", archive.MaxUnzippedBytes)
	case errors.As(err, &large):
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", archive.MaxUnzippedBytes, large.Size)
	}
	return nil
}

// translateAlias knows what is said about versions and aliases.
func translateAlias(err error) error {
	var (
		missing *function.AliasNotFoundError
		used    *function.VersionInUseError
		routed  *function.VersionRoutedError
		code    *function.CodeMismatchError
	)
	switch {
	case errors.As(err, &missing):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "Cannot find alias arn: " + missing.ARN}
	case errors.As(err, &used):
		return conflict("Unable to delete version because the following aliases reference it: [%s]", strings.Join(used.Aliases, ", "))
	case errors.As(err, &routed):
		return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", routed.Version, routed.Version)
	case errors.Is(err, function.ErrTooManyWeights):
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	case errors.Is(err, function.ErrLatestRouted):
		return untyped("$LATEST is not supported for an alias pointing to more than 1 version")
	case errors.As(err, &code):
		return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", code.Given, code.Current)
	case errors.Is(err, function.ErrUnreserved):
		return untyped("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", function.MinUnreserved)
	case errors.Is(err, function.ErrTooManyTags):
		return invalid("Number of tags exceeds resource tag limit.")
	}
	return nil
}

// translateProvisioned knows what is said about provisioned concurrency.
func translateProvisioned(err error) error {
	var (
		below *function.BelowProvisionedError
		above *function.AboveUnreservedError
	)
	switch {
	case errors.Is(err, function.ErrNotProvisioned):
		return &protocol.Error{Code: ProvisionedConcurrencyConfigNotFoundException, Message: "No Provisioned Concurrency Config found for this function"}
	case errors.Is(err, function.ErrUnpublished):
		return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	case errors.Is(err, function.ErrAboveReserved):
		return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	case errors.As(err, &below): // with the spaces that AWS has
		return untyped(" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", below.Reserved, below.Provisioned)
	case errors.As(err, &above):
		return untyped("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", above.Unreserved)
	case errors.Is(err, function.ErrUnreservedProvisioned):
		return untyped("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", function.MinUnreserved)
	case errors.Is(err, function.ErrVersionProvisioned):
		return conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	case errors.Is(err, function.ErrAliasProvisioned):
		return conflict("Version is pointed by a Provisioned Concurrency alias")
	}
	return nil
}

// translatePolicy knows what is said about permissions.
func translatePolicy(err error) error {
	var large *function.PolicyTooLargeError
	switch {
	case errors.Is(err, function.ErrNoPolicy):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "No policy is associated with the given resource."}
	case errors.Is(err, function.ErrPolicyRevision):
		return &protocol.Error{
			Code:    PreconditionFailedException,
			Message: "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id",
		}
	case errors.Is(err, function.ErrPrincipal):
		return invalid("The provided principal was invalid. Please check the principal and try again.")
	case errors.As(err, &large):
		return &protocol.Error{
			Code:    PolicyLengthExceededException,
			Message: fmt.Sprintf("The final policy size (%d) is bigger than the limit (%d).", large.Size, function.MaxPolicyBytes),
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
	case errors.Is(err, function.ErrRole):
		return invalid("The role defined for the function cannot be assumed by Lambda.")
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
	case errors.Is(err, function.ErrLogLevelOfText):
		return invalid(`LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`)
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
	case errors.Is(err, function.ErrStorageExceeded):
		return &protocol.Error{Code: CodeStorageExceededException, Message: "Code storage limit exceeded."}
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
	case errors.Is(err, function.ErrRecursive):
		return &protocol.Error{
			Code:    RecursiveInvocationException,
			Message: recursive,
		}
	case errors.As(err, &throttled):
		return &protocol.Error{
			Code: TooManyRequestsException, Message: "Rate Exceeded.",
			Fields: []protocol.Field{{Name: "Reason", Value: string(throttled.Reason)}},
		}
	}
	return nil
}

// recursive is AWS's text for a function that goes round in a circle.
const recursive = "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation."
