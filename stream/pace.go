package stream

import (
	"context"
	"sync"
	"time"
)

// pace keeps what a consumer is pushed of a shard within its limit, over all its subscriptions there. A nil one limits
// nothing.
type pace struct {
	mu  sync.Mutex
	out outflow
}

// wait returns how long it is until there may be an event with records.
func (p *pace) wait(now time.Time) time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.wait(now.UnixNano())
}

// gave notes an event.
func (p *pace) gave(records []Record, now time.Time) {
	if p == nil || len(records) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.give(sizeOf(records), now.UnixNano())
}

// full reports whether there is nothing to be remembered.
func (p *pace) full(now time.Time) bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.bytes.lacks(now.UnixNano()) == 0
}

// rest waits until the consumer may be pushed more, or the subscription is over: then over says why.
func (sub *Subscription) rest(ctx context.Context) error {
	for {
		now := sub.s.clock.Now()
		d := min(sub.pace.wait(now), sub.expires.Sub(now))
		if d <= 0 {
			return nil
		}
		timer := sub.s.clock.NewTimer(d)
		select {
		case <-timer.Chan():
			continue
		case <-sub.ended:
		case <-sub.s.closing:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		timer.Stop()
		return nil
	}
}
