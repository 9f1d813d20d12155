package metric

import (
	"errors"
	"fmt"
)

// Errors of the room.
var (
	// ErrName says that a metric cannot be called so.
	ErrName = errors.New("not the name of a metric")
	// ErrStatistic says that there is no such statistic, or that it is not offered.
	ErrStatistic = errors.New("no such statistic")
	// ErrToken says that a page cannot begin where it was asked to.
	ErrToken = errors.New("not a token")
)

// LimitError says that a scope has as many metrics as it may.
type LimitError struct {
	Limit int
}

// Error says how many.
func (e *LimitError) Error() string { return fmt.Sprintf("there are %d metrics already", e.Limit) }
