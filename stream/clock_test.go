package stream

import (
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// swingingClock is a clock that can be set, back too; waiting on it takes as long as ever.
type swingingClock struct {
	clockwork.Clock
	offset atomic.Int64
}

func newSwingingClock() *swingingClock { return &swingingClock{Clock: clockwork.NewRealClock()} }

func (c *swingingClock) swing(d time.Duration) { c.offset.Add(int64(d)) }

func (c *swingingClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.offset.Load())) }
