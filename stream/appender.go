package stream

import (
	"context"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// maxBlockBytes bounds a block of many puts. A single put may be larger (MaxPutBytes) and then makes its own block.
const maxBlockBytes = 8 << 20

// appender appends to logs by group commit, without a timer and without a goroutine of its own. The first put that
// finds nobody leading at its shard leads: it has the store append a block. When the store turns to it, what is queued by
// then goes into the block, and the lead is free for the next put. So an idle shard commits at once, a busy one in blocks
// of all that came while the store was busy, and the next block queues up at the store while that one is made durable.
type appender struct {
	blocks     store.Blocks
	clock      clockwork.Clock
	tail       *tail
	queueBytes int64 // bound of each shard's queue
	// doubted is told, under its mutex, of a log of which the store could not say whether a block was stored.
	doubted func(*shardLog)
}

// group is what one put asks of one shard: entries that become neighbours in one block.
type group struct {
	call    *call
	log     *shardLog
	indexes []int // of the entries in the put, in order
	bytes   int64
	arrival int64 // microseconds: when it was queued
	// lead and taken are guarded by the log's mutex. lead says that the group was given the lead, taken that it left
	// the queue.
	lead, taken bool
}

// news is what a leader tells a waiting put about one of its groups.
type news struct {
	group *group
	done  bool // its results are there; otherwise it was given the lead
}

// cost is what an entry counts for in a queue and in a block, in bytes.
func cost(e *Entry) int64 { return int64(e.size() + maxMeta) }

// enqueue puts the group into its shard's queue: each entry that the shard's limits let in, as long as there is room for
// them. Those that are left out have failed with ErrThroughput. One entry always finds room in an empty queue. It reports
// whether any entry was queued; if the group is to lead, it has been told so.
func (a *appender) enqueue(g *group) bool {
	now := a.clock.Now()
	l := g.log
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.gone:
		g.fail(g.indexes, ErrGone)
		g.indexes = nil
		return false
	case l.closed || l.sealed != nil:
		g.call.move(g.indexes, l.sealed)
		g.indexes = nil
		return false
	}
	if g.admit(a.queueBytes, now); len(g.indexes) == 0 {
		return false
	}
	g.arrival = now.UnixMicro()
	l.queue = append(l.queue, g)
	l.queued += g.bytes
	if !l.leading {
		l.leading = true
		g.promote()
	}
	return true
}

// admit leaves in the group what its shard takes now, in the order of the put. An entry that is beyond the shard's limits
// fails alone, for a smaller one behind it may not be; when the queue is full, all that come after fail. The caller holds
// the log's mutex.
func (g *group) admit(queueBytes int64, now time.Time) {
	l, in := g.log, g.indexes[:0]
	for at, i := range g.indexes {
		e := &g.call.entries[i]
		c := cost(e)
		if room := queueBytes - l.queued - g.bytes; c > room && l.queued+g.bytes > 0 {
			g.fail(g.indexes[at:], ErrThroughput)
			break
		}
		if !l.limits.admit(e.size(), now) {
			l.measure(g.call.hashes[i], e.size())
			g.fail([]int{i}, ErrThroughput)
			continue
		}
		g.bytes += c
		in = append(in, i)
	}
	g.indexes = in
}

// promote gives the group the lead. The caller holds the log's mutex.
func (g *group) promote() {
	g.lead = true
	g.call.news <- news{group: g} // never blocks: there is room for all that a put can be told
}

// withdraw takes the group out of the queue, unless it is being written or leads. It reports whether it did.
func (g *group) withdraw() bool {
	l := g.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.taken || g.lead {
		return false
	}
	i := slices.Index(l.queue, g)
	l.queue = slices.Delete(l.queue, i, i+1)
	l.queued -= g.bytes
	return true
}

// fail gives entries of the group a failure as their result.
func (g *group) fail(indexes []int, err error) {
	for _, i := range indexes {
		g.call.results[i] = Put{Shard: g.log.key.Index, Err: err}
	}
}

// lead appends one block of what is queued. It does not heed the end of the context, since the entries of others are at
// stake.
func (a *appender) lead(ctx context.Context, l *shardLog) {
	ctx = context.WithoutCancel(ctx)
	w := &writing{log: l}
	err := l.load(ctx, a.blocks)
	if err == nil {
		w.ordinal, err = a.blocks.Append(ctx, l.key.log(), w)
	}
	a.end(w, err)
}

// take removes from the queue what goes into the next block: at least one group, and no more than a block holds. The
// caller holds the mutex.
func (l *shardLog) take() (groups []*group) {
	var bytes int64
	n, records := 0, 0
	for _, g := range l.queue {
		if n > 0 && (bytes+g.bytes > maxBlockBytes || records+len(g.indexes) > maxBlockRecords) {
			break
		}
		g.taken = true
		bytes += g.bytes
		records += len(g.indexes)
		n++
	}
	groups = slices.Clone(l.queue[:n])
	l.queue = slices.Delete(l.queue, 0, n)
	l.queued -= bytes
	return groups
}

// passLead gives the lead to the group that has waited longest, or ends it when none waits. The caller holds the mutex.
func (l *shardLog) passLead() {
	if len(l.queue) > 0 {
		l.queue[0].promote()
		return
	}
	l.leading = false
	l.queue = nil // an idle shard keeps nothing
}

// drafts returns the entries of the groups with their times of arrival, which never go back. The caller holds the mutex.
func (l *shardLog) drafts(groups []*group) []draft {
	n := 0
	for _, g := range groups {
		n += len(g.indexes)
	}
	drafts := make([]draft, 0, n)
	for _, g := range groups {
		l.arrival = max(l.arrival, g.arrival)
		for _, i := range g.indexes {
			drafts = append(drafts, draft{entry: &g.call.entries[i], hash: g.call.hashes[i], arrival: l.arrival})
		}
	}
	return drafts
}
