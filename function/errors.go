package function

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotFound is what a NotFoundError is.
	ErrNotFound = errors.New("function not found")
	// ErrExists says that a function of the name exists.
	ErrExists = errors.New("function exists already")
	// ErrStopped says that the room has been closed.
	ErrStopped = errors.New("functions are stopped")
	// ErrWrongAccount says that a reference names another account.
	ErrWrongAccount = errors.New("function belongs to another account")
	// ErrQualifierMismatch says that a reference and the qualifier beside it differ.
	ErrQualifierMismatch = errors.New("qualifiers differ")
	// ErrAliasExists says that a function has an alias of the name.
	ErrAliasExists = errors.New("alias exists already")
	// ErrTooManyWeights says that an alias would lead to more than two versions.
	ErrTooManyWeights = errors.New("more than one weight")
	// ErrLatestRouted says that an alias with a weight would stand for Latest.
	ErrLatestRouted = errors.New("an alias with a weight stands for a version")
	// ErrNoPolicy says that there is no policy, or nothing that could have one.
	ErrNoPolicy = errors.New("no policy")
	// ErrNoStatement says that a policy has no statement of the id.
	ErrNoStatement = errors.New("statement not found")
	// ErrStatementExists says that a policy has a statement of the id.
	ErrStatementExists = errors.New("statement exists already")
	// ErrPrincipal says that a permission is for nobody who could exist.
	ErrPrincipal = errors.New("principal is invalid")
	// ErrPolicyRevision says that the policy changed since the revision that the caller has seen.
	ErrPolicyRevision = errors.New("revision id of policy does not match")
	// ErrUnreserved says that a reservation would leave less than MinUnreserved to the other functions.
	ErrUnreserved = errors.New("too much is reserved")
	// ErrUnpublished says that provisioned concurrency was asked for of what is no version.
	ErrUnpublished = errors.New("what is not published cannot be provisioned")
	// ErrNotProvisioned says that there is no provisioned concurrency.
	ErrNotProvisioned = errors.New("no provisioned concurrency")
	// ErrAboveReserved says that more would be provisioned than is reserved for the function.
	ErrAboveReserved = errors.New("more provisioned than reserved")
	// ErrUnreservedProvisioned says that provisioning would leave less than MinUnreserved to the other functions.
	ErrUnreservedProvisioned = errors.New("too much is provisioned")
	// ErrVersionProvisioned says that the version that an alias stands for is provisioned itself.
	ErrVersionProvisioned = errors.New("version is provisioned")
	// ErrAliasProvisioned says that an alias of the version is provisioned.
	ErrAliasProvisioned = errors.New("an alias of the version is provisioned")
	// ErrNoURL says that there is no URL of the function or the alias, or no such function or alias.
	ErrNoURL = errors.New("no url")
	// ErrURLExists says that the function or the alias has a URL.
	ErrURLExists = errors.New("url exists already")
	// ErrTooManyTags says that there would be more than MaxTags tags.
	ErrTooManyTags = errors.New("too many tags")
	// ErrStorageExceeded says that the account would have more than MaxCodeBytes of code.
	ErrStorageExceeded = errors.New("code storage limit exceeded")
	// ErrTooManyLayers says that a function would have more than MaxLayers layers.
	ErrTooManyLayers = errors.New("too many layers")
	// ErrOwnDestination says that a function would be told of its own events.
	ErrOwnDestination = errors.New("a function is no destination for itself")
	// ErrRevisionMismatch says that the function changed since the revision that the caller has seen.
	ErrRevisionMismatch = errors.New("revision id does not match")
	// ErrIncomplete says that a function lacks its runtime or handler.
	ErrIncomplete = errors.New("runtime and handler are mandatory")
	// ErrLogLevelOfText says that a log of plain text would have a level.
	ErrLogLevelOfText = errors.New("a log of plain text has no levels")
	// ErrNoCode says that no code was given.
	ErrNoCode = errors.New("no code")
	// ErrCodeTooLarge says that an archive is longer than MaxZippedBytes.
	ErrCodeTooLarge = errors.New("archive is too large")
	// ErrInstanceGone is returned by an Instance that ended before the invocation reached the function, so that the
	// invocation may be made again elsewhere without repeating anything.
	ErrInstanceGone = errors.New("instance is gone")
)

// NotFoundError says that there is no such function, version or alias. It is ErrNotFound.
type NotFoundError struct{ ARN string }

func (e *NotFoundError) Error() string { return "function not found: " + e.ARN }

// Is makes errors.Is(err, ErrNotFound) true.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// AliasNotFoundError says that a function has no such alias, or does not exist.
type AliasNotFoundError struct{ ARN string }

func (e *AliasNotFoundError) Error() string { return "alias not found: " + e.ARN }

// VersionInUseError says that aliases lead to a version.
type VersionInUseError struct{ Aliases []string }

func (e *VersionInUseError) Error() string {
	return "version is used by aliases: " + strings.Join(e.Aliases, ", ")
}

// VersionRoutedError says that an alias would stand for a version and have a weight for it, too.
type VersionRoutedError struct{ Version string }

func (e *VersionRoutedError) Error() string { return "version has a weight, too: " + e.Version }

// LayerNotFoundError says that there is no such version of a layer.
type LayerNotFoundError struct{ ARN string }

func (e *LayerNotFoundError) Error() string { return "layer does not exist: " + e.ARN }

// LayerForbiddenError says that no policy shows a layer of another account.
type LayerForbiddenError struct{ ARN, Account string }

func (e *LayerForbiddenError) Error() string { return "layer is another account's: " + e.ARN }

// LayerTwiceError says that a function would have two versions of one layer.
type LayerTwiceError struct{ One, Other string }

func (e *LayerTwiceError) Error() string { return "one layer twice: " + e.One + " and " + e.Other }

// LayerElsewhereError says that a layer is not in the region of its function.
type LayerElsewhereError struct{ Region string }

func (e *LayerElsewhereError) Error() string { return "layer is not in " + e.Region }

// CodeAndLayersError says that code and layers are too large together, unzipped.
type CodeAndLayersError struct {
	Size   int64
	Layers bool // already the layers are
}

func (e *CodeAndLayersError) Error() string {
	return fmt.Sprintf("code and layers have %d bytes unzipped", e.Size)
}

// NoEventConfigError says that there is no configuration of events.
type NoEventConfigError struct{ ARN string }

func (e *NoEventConfigError) Error() string { return "no event configuration: " + e.ARN }

// DestinationMissingError says that a destination does not exist.
type DestinationMissingError struct{ ARN string }

func (e *DestinationMissingError) Error() string { return "destination does not exist: " + e.ARN }

// DestinationsError says that one of the destinations can be none; those that were not given are empty.
type DestinationsError struct{ OnSuccess, OnFailure string }

func (e *DestinationsError) Error() string {
	return fmt.Sprintf("destinations %q and %q are not supported", e.OnSuccess, e.OnFailure)
}

// BelowProvisionedError says that less would be reserved than is provisioned.
type BelowProvisionedError struct{ Reserved, Provisioned int }

func (e *BelowProvisionedError) Error() string {
	return fmt.Sprintf("%d reserved, and %d provisioned", e.Reserved, e.Provisioned)
}

// AboveUnreservedError says that more would be provisioned than the account has left.
type AboveUnreservedError struct{ Unreserved int }

func (e *AboveUnreservedError) Error() string {
	return fmt.Sprintf("more provisioned than the %d that are left", e.Unreserved)
}

// CodeMismatchError says that the code is another one than the caller has seen.
type CodeMismatchError struct{ Given, Current string }

func (e *CodeMismatchError) Error() string { return "code is " + e.Current + ", not " + e.Given }

// PolicyTooLargeError says that a policy would be larger than MaxPolicyBytes.
type PolicyTooLargeError struct{ Size int }

func (e *PolicyTooLargeError) Error() string { return fmt.Sprintf("policy has %d bytes", e.Size) }

// WrongRegionError says that a reference names another region.
type WrongRegionError struct{ Region, Here string }

func (e *WrongRegionError) Error() string {
	return fmt.Sprintf("function is in %s, not in %s", e.Region, e.Here)
}

// NameTooLongError says that a new function's name has more than MaxNameLength characters.
type NameTooLongError struct{ Name string }

func (e *NameTooLongError) Error() string { return fmt.Sprintf("function name %q is too long", e.Name) }

// NotReadyError says that the function is not in a state for what was asked: Pending or Failed.
type NotReadyError struct {
	ARN   string
	State State
}

func (e *NotReadyError) Error() string { return fmt.Sprintf("function %s is %s", e.ARN, e.State) }

// UpdatingError says that an update is in progress.
type UpdatingError struct{ ARN string }

func (e *UpdatingError) Error() string { return "an update is in progress for " + e.ARN }

// RuntimeError says that a runtime cannot be asked for: nobody knows it, or it is too old to be used any more.
type RuntimeError struct {
	Runtime    string
	Deprecated bool
}

func (e *RuntimeError) Error() string {
	if e.Deprecated {
		return fmt.Sprintf("runtime %q is not supported any more", e.Runtime)
	}
	return fmt.Sprintf("runtime %q is not known", e.Runtime)
}

// RuntimeMissingError says that a runtime is known but that this machine cannot run it. The message is for people and
// names what is missing.
type RuntimeMissingError struct{ Runtime, Missing string }

func (e *RuntimeMissingError) Error() string {
	return fmt.Sprintf("The runtime %s cannot be run on this host: %s", e.Runtime, e.Missing)
}

// SettingError says that a setting is out of its bounds. The message is for people.
type SettingError struct{ Setting, Problem string }

func (e *SettingError) Error() string { return e.Setting + " " + e.Problem }

// EnvironmentTooLargeError says that the variables are longer than MaxEnvironmentBytes as compact JSON.
type EnvironmentTooLargeError struct{ JSON string }

func (e *EnvironmentTooLargeError) Error() string { return "environment variables are too large" }

// ReservedVariablesError says that variables were given which only the platform sets.
type ReservedVariablesError struct{ Names []string }

func (e *ReservedVariablesError) Error() string {
	return "environment variables are reserved: " + strings.Join(e.Names, ", ")
}

// PayloadTooLargeError says that the payload of an invocation is longer than Limit bytes.
type PayloadTooLargeError struct{ Limit int }

func (e *PayloadTooLargeError) Error() string {
	return fmt.Sprintf("payload is larger than %d bytes", e.Limit)
}

// InvalidPayloadError says that the payload of an invocation is not JSON.
type InvalidPayloadError struct{ Problem string }

func (e *InvalidPayloadError) Error() string { return "payload is not JSON: " + e.Problem }

// ThrottleReason says which limit an invocation ran into.
type ThrottleReason string

// The reasons for a throttle.
const (
	// ConcurrentInvocations says that an account, or the whole server, runs as many invocations as it may.
	ConcurrentInvocations ThrottleReason = "ConcurrentInvocationLimitExceeded"
	// InvocationRate says that too many events wait.
	InvocationRate ThrottleReason = "FunctionInvocationRateLimitExceeded"
	// ReservedInvocations says that a function runs as many as are reserved for it.
	ReservedInvocations ThrottleReason = "ReservedFunctionConcurrentInvocationLimitExceeded"
)

// ErrRecursive says that a function was invoked too often in one chain of invocations, each because of the one before.
var ErrRecursive = errors.New("function is invoked in a circle")

// ThrottledError says that an invocation found no place.
type ThrottledError struct{ Reason ThrottleReason }

func (e *ThrottledError) Error() string { return "invocation throttled: " + string(e.Reason) }
