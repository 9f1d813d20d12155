package metric

import (
	"fmt"
	"strconv"
	"strings"
)

// Statistic is a number that is read from an Aggregate: SampleCount, Sum, Average, Minimum, Maximum, or a percentile
// such as p99.9.
type Statistic struct {
	name string
	p    float64 // of a percentile
}

// ParseStatistic returns the statistic of that name, or ErrStatistic. The trimmed statistics (TM, WM, TC, TS, PR, IQM)
// are not offered.
func ParseStatistic(name string) (Statistic, error) {
	switch name {
	case "SampleCount", "Sum", "Average", "Minimum", "Maximum":
		return Statistic{name: name}, nil
	}
	if digits, ok := strings.CutPrefix(name, "p"); ok && strings.Trim(digits, "0123456789.") == "" {
		if p, err := strconv.ParseFloat(digits, 64); err == nil && p <= 100 {
			return Statistic{name: name, p: p}, nil
		}
	}
	return Statistic{}, fmt.Errorf("%q: %w", name, ErrStatistic)
}

// String returns the name as it was given.
func (s Statistic) String() string { return s.name }

// Percentile reports whether the statistic is a percentile.
func (s Statistic) Percentile() bool { return strings.HasPrefix(s.name, "p") }

// Of reads the statistic. It has no value when there are no samples, and a percentile has none of samples that came
// summed up.
func (s Statistic) Of(a *Aggregate) (value float64, ok bool) {
	switch s.name {
	case "SampleCount":
		return a.Count, a.Count > 0
	case "Sum":
		return a.Sum, a.Count > 0
	case "Average":
		return a.Sum / a.Count, a.Count > 0
	case "Minimum":
		return a.Min, a.Count > 0
	case "Maximum":
		return a.Max, a.Count > 0
	}
	return a.percentile(s.p)
}
