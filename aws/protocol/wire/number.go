package wire

import (
	"math"
	"time"
)

// Truncate is the integer part of a number, held within the bounds. What is not a number is 0.
func Truncate(f float64, low, high int64) int64 {
	switch {
	case f != f:
		return 0
	case f >= float64(high):
		return high
	case f <= float64(low):
		return low
	}
	return int64(f)
}

// Moment is the time of so many milliseconds since the epoch, rounded to one. The bound is Java's and JavaScript's: a
// hundred million days from the epoch.
func Moment(ms float64) time.Time {
	return time.UnixMilli(Truncate(math.Round(ms), -maxMoment, maxMoment)).UTC()
}

// MomentMilli is Moment of a whole number.
func MomentMilli(ms int64) time.Time {
	return time.UnixMilli(min(max(ms, -maxMoment), maxMoment)).UTC()
}

const maxMoment = 8.64e15
