package demo

import (
	"context"
	"fmt"
	"time"
)

const (
	// lookEvery is how often progress is looked at.
	lookEvery = 100 * time.Millisecond
	// patience is how long nothing may move before the demo gives up. The retries of one bad record take 0.6 s.
	patience = 60 * time.Second
)

// follow shows progress until every record that was put has been delivered or given up.
func follow(ctx context.Context, v *view, c *clients, w works, p *putter, putting <-chan error) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	done := false
	moved, last := time.Now(), int64(-1)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-putting:
			if err != nil {
				return fmt.Errorf("putting the feed: %w", err)
			}
			done, putting = true, nil
		case <-tick.C:
		}
		page, err := c.stats(ctx, w.mapping)
		if err != nil {
			return err
		}
		handled := page.Stats.Delivered + page.Stats.Discarded
		v.progress(p.put.Load(), page)
		if done && handled >= p.put.Load() {
			return nil
		}
		if now := handled + p.put.Load(); now != last {
			moved, last = time.Now(), now
		} else if time.Since(moved) > patience {
			return fmt.Errorf("nothing moved for %s: %d of %d records handled", patience, handled, p.put.Load())
		}
	}
}
