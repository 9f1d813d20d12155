package testclock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// running runs a test with a clock that goes.
func running(t *testing.T, test func(t *testing.T, c *Clock)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := New()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		test(t, c)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// expect holds the clock's distance to the wall's against one.
func expect(t *testing.T, c *Clock, ahead time.Duration) {
	t.Helper()
	if _, got, _ := c.State(); got != ahead {
		t.Errorf("it is %v ahead, not %v", got, ahead)
	}
}

func TestGoesWithTheWallClock(t *testing.T) {
	running(t, func(t *testing.T, c *Clock) {
		expect(t, c, 0)
		timer := c.NewTimer(time.Minute)
		began := time.Now()
		<-timer.Chan()
		if took := time.Since(began); took < time.Minute || took > time.Minute+2*tick {
			t.Errorf("a minute took %v", took)
		}
	})
}

func TestAdvances(t *testing.T) {
	running(t, func(t *testing.T, c *Clock) {
		timer := c.NewTimer(24 * time.Hour)
		began := time.Now()
		if err := c.Advance(t.Context(), 25*time.Hour); err != nil {
			t.Fatal(err)
		}
		<-timer.Chan()
		if took := time.Since(began); took > 2*maxSteps*rest {
			t.Errorf("a day took %v", took)
		}
		expect(t, c, 25*time.Hour)
	})
}

// One who waits a second each time gets to do so hundreds of times on the way, not once.
func TestAdvancesByAndBy(t *testing.T) {
	running(t, func(t *testing.T, c *Clock) {
		ctx, cancel := context.WithCancel(t.Context())
		waits, done := 0, make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-c.After(time.Second):
					waits++
				case <-ctx.Done():
					return
				}
			}
		}()
		synctest.Wait()
		if err := c.Advance(t.Context(), 5*time.Minute); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-done
		if waits < 200 {
			t.Errorf("%d waits of a second in 5 minutes", waits)
		}
	})
}

func TestStands(t *testing.T) {
	running(t, func(t *testing.T, c *Clock) {
		<-time.After(10 * time.Second) // of the bubble
		c.Freeze(true)
		stood := c.Now()
		expect(t, c, 0)
		<-time.After(10 * time.Second) // of the bubble
		if now, ahead, frozen := c.State(); !now.Equal(stood) || ahead != -10*time.Second || !frozen {
			t.Errorf("it went from %v to %v, %v ahead", stood, now, ahead)
		}
		if err := c.Advance(t.Context(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
		if gone := c.Since(stood); gone != 10*time.Second {
			t.Errorf("it went by %v, not 10 s", gone)
		}
		c.Freeze(false)
		<-time.After(10 * time.Second) // of the bubble
		if gone := c.Since(stood); gone < 20*time.Second-2*tick || gone > 20*time.Second {
			t.Errorf("it went by %v, not 20 s", gone)
		}
	})
}

func TestAdvanceEndsWithItsContext(t *testing.T) {
	running(t, func(t *testing.T, c *Clock) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		began := c.Now()
		if err := c.Advance(ctx, 1000*time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		if gone := c.Since(began); gone > 20*time.Hour {
			t.Errorf("it went on for %v", gone)
		}
	})
}
