package logs

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Event is what happened at a time.
type Event struct {
	Time    time.Time // to the millisecond
	Message string
}

// Found is an event where it was found.
type Found struct {
	Event
	Stream   string
	Ingested time.Time
	// Place is its place in the group, which no other event has.
	Place Place
}

// Place is a place in the order of a group's events. The zero Place is before all of them.
type Place struct {
	time    int64 // milliseconds of Unix time
	ordinal uint64
	index   uint64
}

// end is behind all events.
var end = Place{time: math.MaxInt64}

func (p Place) compare(q Place) int {
	return cmp.Or(cmp.Compare(p.time, q.time), cmp.Compare(p.ordinal, q.ordinal), cmp.Compare(p.index, q.index))
}

// next is the place right behind.
func (p Place) next() Place {
	p.index++
	return p
}

// The widths of a place's parts in its decimal form, which has 56 digits as AWS's ids of events do.
const (
	timeDigits    = 19
	ordinalDigits = 17
	placeDigits   = 56
)

// String returns the place in 56 digits, in the order of places.
func (p Place) String() string {
	return fmt.Sprintf("%0*d%0*d%0*d", timeDigits, p.time, ordinalDigits, p.ordinal, placeDigits-timeDigits-ordinalDigits, p.index)
}

// ParsePlace reads what String wrote, or returns ErrToken.
func ParsePlace(s string) (Place, error) {
	if len(s) != placeDigits {
		return Place{}, ErrToken
	}
	t, err1 := strconv.ParseInt(s[:timeDigits], 10, 64)
	ordinal, err2 := strconv.ParseUint(s[timeDigits:timeDigits+ordinalDigits], 10, 64)
	index, err3 := strconv.ParseUint(s[timeDigits+ordinalDigits:], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || t < 0 {
		return Place{}, ErrToken
	}
	return Place{t, ordinal, index}, nil
}
