package sim

import (
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// clock is the machine's clock, which can be set forward. What waits on it waits as long as ever, as on a machine whose
// clock is corrected: in the bubble the time behind it is virtual.
type clock struct {
	clockwork.Clock
	offset atomic.Int64
}

func newClock() *clock { return &clock{Clock: clockwork.NewRealClock()} }

func (c *clock) jump(d time.Duration) { c.offset.Add(int64(d)) }

func (c *clock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.offset.Load())) }

func (c *clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *clock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }
