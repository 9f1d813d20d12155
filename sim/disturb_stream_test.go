package sim

import (
	"errors"
	"time"

	"github.com/millrace/millrace/stream"
)

// someStream is a stream as it is now.
func (w *world) someStream(h *house) (int, stream.Stream, bool) {
	i := w.random.IntN(len(w.streams))
	if w.isDying(i) {
		return i, stream.Stream{}, false
	}
	st, err := h.streams.Describe(h.ctx, w.streams[i])
	if err != nil && !h.excused(err) {
		w.failf("describe: %v", err)
	}
	return i, st, err == nil && st.Status == stream.StatusActive
}

func (w *world) isDying(i int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dying[i]
}

// refused judges the error of a change of a stream.
func (w *world) refused(h *house, what string, err error) {
	if err == nil || errors.As(err, new(*stream.StateError)) || errors.As(err, new(*stream.ClosedShardError)) ||
		errors.As(err, new(*stream.SplitRangeError)) || errors.As(err, new(*stream.NotAdjacentError)) ||
		errors.As(err, new(*stream.RequestLimitError)) || errors.As(err, new(*stream.ShardCountError)) {
		w.say("%s: %v", what, err)
		return
	}
	if !h.excused(err) {
		w.failf("%s: %v", what, err)
	}
}

func openShards(st stream.Stream) (open []stream.Shard) {
	for _, sh := range st.Shards {
		if sh.Open() {
			open = append(open, sh)
		}
	}
	return open
}

func shardSplits(w *world, h *house) {
	_, st, ok := w.someStream(h)
	open := openShards(st)
	if !ok || len(open) >= 8 {
		return
	}
	sh := open[w.random.IntN(len(open))]
	at := sh.Range.Start
	if at[0] += byte(1 + w.random.IntN(40)); !sh.Range.Contains(at) {
		at = sh.Range.Start
		at[1] += 2
	}
	w.refused(h, "split "+sh.ID(), h.streams.SplitShard(h.ctx, st.Name, sh.Index, at))
}

func shardsMerge(w *world, h *house) {
	_, st, ok := w.someStream(h)
	open := openShards(st)
	if !ok || len(open) < 2 {
		return
	}
	first := open[w.random.IntN(len(open))]
	for _, second := range open {
		if second.Range.Start.Compare(first.Range.End) > 0 {
			err := h.streams.MergeShards(h.ctx, st.Name, first.Index, second.Index)
			w.refused(h, "merge "+first.ID()+" and "+second.ID(), err)
			if err == nil {
				return
			}
		}
	}
}

func shardCountChanges(w *world, h *house) {
	_, st, ok := w.someStream(h)
	if !ok {
		return
	}
	open := st.OpenShards()
	target := (open+1)/2 + w.random.IntN(open+1)
	_, err := h.streams.UpdateShardCount(h.ctx, st.Name, min(target, 6))
	w.refused(h, "change the shard count", err)
}

// retentionChanges keeps records for longer, or for less long.
func retentionChanges(w *world, h *house) {
	i, st, ok := w.someStream(h)
	if !ok {
		return
	}
	hours := stream.MinRetentionHours + w.random.IntN(24)
	asked := time.Duration(hours) * time.Hour
	if asked > st.Retention {
		err := h.streams.IncreaseRetention(h.ctx, st.Name, hours)
		w.refused(h, "increase the retention", err)
		w.mu.Lock()
		defer w.mu.Unlock()
		// What had expired by the change stays so.
		hz := &w.horizons[i]
		if hz.trimmed = later(hz.trimmed, w.clock.Now().Add(-hz.retention)); err == nil && !h.down {
			hz.retention = asked
		}
		return
	}
	w.mu.Lock()
	hz := &w.horizons[i]
	hz.trimmed, hz.retention = later(hz.trimmed, w.clock.Now().Add(-hz.retention)), asked // whether it succeeds or not
	w.mu.Unlock()
	w.refused(h, "decrease the retention", h.streams.DecreaseRetention(h.ctx, st.Name, hours))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func encryptionChanges(w *world, h *house) {
	_, st, ok := w.someStream(h)
	if !ok {
		return
	}
	if st.KeyID == "" {
		w.refused(h, "encrypt", h.streams.StartEncryption(h.ctx, st.Name, "key"))
		return
	}
	w.refused(h, "encrypt no more", h.streams.StopEncryption(h.ctx, st.Name))
}
