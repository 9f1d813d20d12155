package logs

import (
	"context"
	"math"
	"time"

	"github.com/millrace/millrace/store"
)

// cutoff is the time before which events have expired; 0 when none do.
func (g *group) cutoff(now time.Time) int64 {
	if g.row.Retention == 0 {
		return 0
	}
	return now.AddDate(0, 0, -g.row.Retention).UnixMilli()
}

// trim drops what has expired.
func (g *group) trim(ctx context.Context) error {
	g.mu.RLock()
	limited := g.row.Retention > 0
	g.mu.RUnlock()
	if !limited {
		return nil
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	cutoff := g.cutoff(g.s.clock.Now())
	count := 0
	for count < len(g.extents) && g.extents[count].max < cutoff {
		count++
	}
	if count == len(g.extents) && !g.open.empty() && g.open.max < cutoff {
		if err := g.seal(ctx); err != nil {
			return err
		}
		count++
	}
	return g.drop(ctx, count)
}

// shrink drops the oldest extents of a group that is too large. The caller has the turn.
func (g *group) shrink(ctx context.Context) error {
	bytes, count := g.bytes, 0
	for count < len(g.extents) && bytes > g.s.config.GroupBytes {
		bytes -= g.extents[count].bytes
		count++
	}
	return g.drop(ctx, count)
}

// drop drops the oldest extents, and the streams of writers that have no event any more. The caller has the turn.
func (g *group) drop(ctx context.Context, count int) error {
	if count == 0 {
		return nil
	}
	dropped, before := g.extents[:count], g.extents[count-1].last+1
	var writes []store.Write
	for _, e := range dropped {
		writes = append(writes, g.s.extents.Remove(extentKey(g.number, e.first), 0))
	}
	var silent []*stream
	for _, x := range g.streams {
		if x.row.Printed && x.row.Ordinal > 0 && x.row.Ordinal < before {
			silent = append(silent, x)
			writes = append(writes, g.s.streams.Remove(streamKey(g.number, x.number), 0))
		}
	}
	if err := g.s.store.Commit(ctx, writes...); err != nil {
		return err
	}
	g.mu.Lock()
	for _, e := range dropped {
		g.bytes -= e.bytes
	}
	g.extents = append([]*extent(nil), g.extents[count:]...)
	for _, x := range silent {
		g.forget(x)
	}
	g.mu.Unlock()
	return g.s.store.Trim(ctx, logID(g.number), before)
}

// expired is the time before which a reader sees nothing.
func (g *group) expired() int64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.row.Retention == 0 {
		return math.MinInt64
	}
	return g.cutoff(g.s.clock.Now())
}
