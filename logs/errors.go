package logs

import (
	"errors"
	"fmt"
)

// Errors of requests. The door words them.
var (
	ErrGroupNotFound  = errors.New("log group does not exist")
	ErrStreamNotFound = errors.New("log stream does not exist")
	ErrGroupExists    = errors.New("log group already exists")
	ErrStreamExists   = errors.New("log stream already exists")
	ErrProtected      = errors.New("log group is protected from deletion")
	ErrRetention      = errors.New("no such retention period")
	ErrOrder          = errors.New("events are not in the order of their times")
	ErrSpan           = errors.New("events are more than 24 hours apart")
	ErrToken          = errors.New("malformed token")
	ErrTooManyTags    = errors.New("too many tags")
)

// TooLargeError says that events are too many bytes for one call.
type TooLargeError struct{ Bytes, Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d bytes of events exceed %d", e.Bytes, e.Limit)
}

// LimitError says that there can be no more groups.
type LimitError struct{ Limit int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("the limit of %d log groups is reached", e.Limit)
}
