package testclock

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

const (
	// tick is how often the clock follows the wall clock.
	tick = time.Millisecond
	// Advance goes in steps of a second, but in maxSteps at the most, with a rest after each: who waits one time after the
	// other, as between retries, gets to wait again on the way.
	leastStep = time.Second
	maxSteps  = 1000
	rest      = time.Millisecond
)

// Clock is the clock. Run makes it go. All methods may be called at the same time.
type Clock struct {
	*clockwork.FakeClock

	travel chan struct{} // holds one: who advances

	mu     sync.Mutex
	frozen bool
	seen   time.Time // what the wall clock showed when this one was last moved by it
}

var _ clockwork.Clock = (*Clock)(nil)

// New returns a clock that shows the time. It stands until Run.
func New() *Clock {
	now := time.Now()
	return &Clock{FakeClock: clockwork.NewFakeClockAt(now), travel: make(chan struct{}, 1), seen: now}
}

// Run lets the clock go, until the context ends. It returns nil.
func (c *Clock) Run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			c.follow()
		}
	}
}

// follow moves the clock by what has gone by on the wall, unless it stands.
func (c *Clock) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followed()
}

// followed does the same for who holds the mutex.
func (c *Clock) followed() {
	now := time.Now()
	gone := now.Sub(c.seen)
	c.seen = now
	if !c.frozen && gone > 0 {
		c.FakeClock.Advance(gone)
	}
}

// Freeze has the clock stand, or go again from where it stood.
func (c *Clock) Freeze(frozen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followed()
	c.frozen = frozen
}

// State is what the clock shows, how far that is ahead of the wall clock (negative: behind), and whether it stands.
func (c *Clock) State() (now time.Time, ahead time.Duration, frozen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followed()
	now = c.Now()
	return now, now.Sub(c.seen), c.frozen
}

// Advance moves the clock on, whether it stands or not, and returns when everything that was to happen until then has been
// woken: not when it is done, since work takes real time. When the context ends first, so does the way, with its error. One
// caller advances at a time, the others wait.
func (c *Clock) Advance(ctx context.Context, by time.Duration) error {
	select {
	case c.travel <- struct{}{}:
		defer func() { <-c.travel }()
	case <-ctx.Done():
		return ctx.Err()
	}
	pause := time.NewTicker(rest)
	defer pause.Stop()
	for step := max(leastStep, by/maxSteps); by > 0; by -= step {
		c.FakeClock.Advance(min(step, by))
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
