package mapping

import (
	"errors"
	"fmt"
)

// What the room answers when it cannot do what was asked. Callers test with errors.Is and errors.As; what a client of
// AWS reads is decided at the door.
var (
	// ErrNotFound says that there is no mapping with this UUID in the account and region.
	ErrNotFound = errors.New("event source mapping not found")
	// ErrInUse says that the mapping is in a transition and takes no change before its end.
	ErrInUse = errors.New("event source mapping is in use")
	// ErrTooMany says that the bounded table of mappings is full.
	ErrTooMany = errors.New("too many event source mappings")
	// ErrFunctionNotFound says that the function to be mapped to does not exist.
	ErrFunctionNotFound = errors.New("function does not exist")
	// ErrSource says that the event source is none that can be mapped.
	ErrSource = errors.New("unrecognized event source")
	// ErrRecordAge says that the record age is neither Forever nor 60 to 604800 seconds.
	ErrRecordAge = errors.New("record age out of range")
	// ErrWindowFactor says that there is a tumbling window, and more than one lane a shard.
	ErrWindowFactor = errors.New("parallelization factor must be 1 with a tumbling window")
	// ErrWindowFilters says that there is a tumbling window, and filters.
	ErrWindowFilters = errors.New("filters are not supported with a tumbling window")
	// ErrTooManyFilters says that there are more than MaxFilters filters.
	ErrTooManyFilters = errors.New("too many filters")
	// ErrTooManyTags says that there would be more than MaxTags tags.
	ErrTooManyTags = errors.New("too many tags")
	// ErrStartMissing says that no starting position was given.
	ErrStartMissing = errors.New("starting position missing")
	// ErrTimestampMissing says that AT_TIMESTAMP came without its timestamp.
	ErrTimestampMissing = errors.New("starting position timestamp missing")
	// ErrTimestampUnused says that a timestamp came with another starting position than AT_TIMESTAMP.
	ErrTimestampUnused = errors.New("timestamp only valid with AT_TIMESTAMP")
	// ErrTimestampFuture says that the timestamp has not been reached yet.
	ErrTimestampFuture = errors.New("starting position timestamp in the future")
	// ErrDestinationInvalid says, inside a *DestinationError, that no destination of this kind exists.
	ErrDestinationInvalid = errors.New("destination is invalid")
)

// SettingError says that a number lies outside the range of its setting.
type SettingError struct {
	Setting          string // AWS's name
	Value, Low, High int
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("%s %d is not between %d and %d", e.Setting, e.Value, e.Low, e.High)
}

// FilterError says that a filter's pattern is none, and why.
type FilterError struct {
	Err error
}

func (e *FilterError) Error() string { return "invalid filter pattern: " + e.Err.Error() }

func (e *FilterError) Unwrap() error { return e.Err }

// ExistsError says that the source is mapped to this very function already.
type ExistsError struct {
	Source   string // ARN
	Function string // the bare name
	UUID     string // of the mapping that exists
}

func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s is already mapped to %s by %s", e.Source, e.Function, e.UUID)
}

// SourceNotFoundError says that the stream to be read does not exist, or the consumer.
type SourceNotFoundError struct {
	ARN      string
	Consumer bool
}

func (e *SourceNotFoundError) Error() string {
	if e.Consumer {
		return "stream consumer not found: " + e.ARN
	}
	return "stream not found: " + e.ARN
}

// SourceDeniedError says, in AWS's words, that the function's role may not read the stream, or for the consumer.
type SourceDeniedError struct {
	ARN      string
	Consumer bool
}

func (e *SourceDeniedError) Error() string {
	if e.Consumer {
		return fmt.Sprintf("Cannot access event source %s. Please ensure the role can perform the DescribeStreamSummary, ListShards, GetShardIterator and GetRecords actions on your stream and SubscribeToShard on your consumer.", e.ARN)
	}
	return fmt.Sprintf("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, DescribeStreamSummary, ListShards, and ListStreams Actions on your stream.", e.ARN)
}

// DestinationError says that an on-failure destination cannot be used, and why.
type DestinationError struct {
	ARN string
	Err error
}

func (e *DestinationError) Error() string { return fmt.Sprintf("destination %s: %v", e.ARN, e.Err) }

func (e *DestinationError) Unwrap() error { return e.Err }
