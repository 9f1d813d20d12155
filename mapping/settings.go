package mapping

import (
	"time"

	"github.com/millrace/millrace/filter"
)

// Forever, as MaximumRetryAttempts or MaximumRecordAge, sets no limit.
const Forever = -1

// Settings say how a mapping batches, retries and gives up. The names are AWS's, the defaults those of today.
type Settings struct {
	// BatchSize is the most records of one invocation, 1 to 10000.
	BatchSize int
	// MaximumBatchingWindow is how long records are gathered for one invocation, in seconds, 0 to 300; 0 sends at once
	// what there is.
	MaximumBatchingWindow int
	// ParallelizationFactor is how many batches of one shard are in flight at a time, 1 to 10.
	ParallelizationFactor int
	// MaximumRetryAttempts is how often a batch is tried again after its first attempt, or Forever.
	MaximumRetryAttempts int
	// MaximumRecordAge is the age in seconds, 60 to 604800, from which a record is given up, or Forever.
	MaximumRecordAge int
	// BisectBatchOnFunctionError cuts a failed batch in two and tries each half by itself.
	BisectBatchOnFunctionError bool
	// TumblingWindow is how many seconds of records are aggregated under one state, 1 to 900; 0 for no such windows.
	TumblingWindow int
	// ReportBatchItemFailures lets the function's response say which records have failed.
	ReportBatchItemFailures bool
	// Filters are patterns of which a record has to match one, as they were given; none lets all pass. They are at most
	// MaxFilters.
	Filters []string `json:",omitempty"`
	// KMSKey is the ARN of the key with which the filters are to be encrypted, "" for none.
	KMSKey string `json:",omitempty"`
	// EventCount asks for the metrics that count events.
	EventCount bool `json:",omitempty"`
	// OnFailure is the ARN of the destination that hears of given up batches, "" for none.
	OnFailure string
}

// MaxFilters is how many filters a mapping may have.
const MaxFilters = 5

// Defaults are the settings of a mapping whose creator named none.
func Defaults() Settings {
	return Settings{
		BatchSize:             100,
		ParallelizationFactor: 1,
		MaximumRetryAttempts:  Forever,
		MaximumRecordAge:      Forever,
	}
}

// check reports the first rule that the settings break, as a *SettingError, or a destination's error. Doors have
// already refused what the service model refuses; the ranges are checked again since the room has other callers.
func (s Settings) check() error {
	ranges := []struct {
		name             string
		value, low, high int
	}{
		{"BatchSize", s.BatchSize, 1, 10_000},
		{"MaximumBatchingWindowInSeconds", s.MaximumBatchingWindow, 0, 300},
		{"ParallelizationFactor", s.ParallelizationFactor, 1, 10},
		{"TumblingWindowInSeconds", s.TumblingWindow, 0, 900},
		{"MaximumRetryAttempts", s.MaximumRetryAttempts, Forever, 10_000},
		{"MaximumRecordAgeInSeconds", s.MaximumRecordAge, Forever, 604_800},
	}
	for _, r := range ranges {
		if r.value < r.low || r.value > r.high {
			return &SettingError{Setting: r.name, Value: r.value, Low: r.low, High: r.high}
		}
	}
	if s.MaximumRecordAge >= 0 && s.MaximumRecordAge < 60 {
		return ErrRecordAge
	}
	if len(s.Filters) > MaxFilters {
		return ErrTooManyFilters
	}
	if _, err := s.filters(); err != nil {
		return err
	}
	if s.TumblingWindow > 0 && s.ParallelizationFactor > 1 {
		return ErrWindowFactor
	}
	if s.TumblingWindow > 0 && len(s.Filters) > 0 {
		return ErrWindowFilters
	}
	return checkDestination(s.OnFailure)
}

// filters returns the compiled filters, nil when there are none, or a *FilterError.
func (s Settings) filters() (*filter.Set, error) {
	if len(s.Filters) == 0 {
		return nil, nil
	}
	set, err := filter.Compile(s.Filters...)
	if err != nil {
		return nil, &FilterError{Err: err}
	}
	return set, nil
}

// window returns the batching window as a duration.
func (s Settings) window() time.Duration { return time.Duration(s.MaximumBatchingWindow) * time.Second }

// tumblingWindow returns the length of a tumbling window, 0 for none.
func (s Settings) tumblingWindow() time.Duration {
	return time.Duration(s.TumblingWindow) * time.Second
}
