package stream

import (
	"context"
	"errors"
	"time"
)

// The shards of an on-demand stream split by themselves when what is written to them stays above what a shard carries:
// a stream begins with four, which carry 4 MiB and 4000 records a second, and since every shard that has more is cut in
// two, what it carries doubles with the peak.
const (
	// shardBytes and shardRecords are what a shard carries in a second.
	shardBytes   = 1 << 20
	shardRecords = 1000
	// loadWindow is the time over which the load is taken as a mean, loadWindows how many in a row must exceed what a
	// shard carries.
	loadWindow  = 30 * time.Second
	loadWindows = 2
	// maxOnDemandShards is how many open shards an on-demand stream splits itself into: 200 MiB a second.
	maxOnDemandShards = 200
	// lightHalf is the share of a shard's load that must lie in the lighter half of its range for a split to be of
	// use, as a divisor. One hot key is not to be split after again and again.
	lightHalf = 16
)

// load is what was written, in bytes of payloads and partition keys and in records; by the half of the shard's range
// that it went to.
type load struct{ bytes, records [2]int64 }

// minus returns what was written since o.
func (l load) minus(o load) load {
	for half := range l.bytes {
		l.bytes[half] -= o.bytes[half]
		l.records[half] -= o.records[half]
	}
	return l
}

// exceeds reports whether a load in a time is more than a shard carries.
func (l load) exceeds(d time.Duration) bool {
	seconds := d.Seconds()
	return float64(l.bytes[0]+l.bytes[1]) > shardBytes*seconds || float64(l.records[0]+l.records[1]) > shardRecords*seconds
}

// divides reports whether both halves of the range have a share of the load that is worth a shard.
func (l load) divides() bool {
	weight := func(half int) float64 {
		return float64(l.bytes[half])/shardBytes + float64(l.records[half])/shardRecords
	}
	return lightHalf*min(weight(0), weight(1)) >= weight(0)+weight(1)
}

// meter follows the load of one shard.
type meter struct {
	at    time.Time // of the last look
	total load      // what had been written by then
	above int       // windows in a row, up to then, in which the shard had more than it carries
}

// observe looks at what has been written by now. It says what to remember, and whether the shard is to be split.
func (m meter) observe(total load, now time.Time) (next meter, split bool) {
	next = meter{at: now, total: total}
	if m.at.IsZero() || !now.After(m.at) {
		return next, false
	}
	written := total.minus(m.total)
	if !written.exceeds(now.Sub(m.at)) {
		return next, false
	}
	next.above = m.above + 1
	return next, next.above >= loadWindows && written.divides()
}

// runScaling looks at the load of on-demand streams again and again.
func (s *Service) runScaling(ctx context.Context) {
	meters := make(map[ShardKey]meter)
	for {
		meters = s.scale(ctx, meters)
		timer := s.clock.NewTimer(loadWindow)
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// scale splits what has too much to do, and returns the meters of all open shards of on-demand streams.
func (s *Service) scale(ctx context.Context, before map[ShardKey]meter) map[ShardKey]meter {
	meters, now := make(map[ShardKey]meter), s.clock.Now()
	for _, l := range s.usable() {
		if l.stream.Mode != ModeOnDemand {
			continue
		}
		var hot []uint32
		for _, route := range l.routes {
			key := route.log.key
			next, split := before[key].observe(route.log.asked(), now)
			if meters[key] = next; split {
				hot = append(hot, key.Index)
			}
		}
		if len(hot) == 0 || l.stream.Status != StatusActive {
			continue
		}
		if err := s.splitHot(ctx, l, hot); err != nil && ctx.Err() == nil {
			s.log.Warn("on-demand stream cannot be scaled; will try again", "stream", l.stream.Name.Name, "error", err)
		}
	}
	return meters
}

// splitHot splits shards of an on-demand stream in the middle, as many of them as it and the account have room for.
func (s *Service) splitHot(ctx context.Context, l *live, hot []uint32) error {
	name := l.stream.Name
	err := s.beginUpdate(ctx, name, func(next *live) (change, error) {
		st := &next.stream
		var c change
		if st.Number != l.stream.Number || st.Mode != ModeOnDemand {
			return c, errUnchanged
		}
		room := min(maxOnDemandShards-st.OpenShards(), s.limit-s.usage(name).shards, (maxListedShards-len(st.Shards))/2)
		for _, index := range hot {
			sh, _ := st.Shard(index)
			if at, ok := sh.Range.middle(); ok && sh.Open() && len(c.Splits) < room {
				c.Splits = append(c.Splits, split{Shard: index, At: storedHash(at)})
			}
		}
		if len(c.Splits) == 0 {
			return c, errUnchanged
		}
		s.log.Info("on-demand stream scales", "stream", name.Name, "open", st.OpenShards(), "splits", len(c.Splits))
		return c, nil
	})
	if errors.As(err, new(*StateError)) || errors.As(err, new(*NotFoundError)) {
		return nil // it changes in another way just now, or is gone
	}
	return err
}
