package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// maxBlockBytes bounds a block of many puts. A single put may be larger (MaxPutBytes) and then makes its own block.
const maxBlockBytes = 8 << 20

// appender appends to logs by group commit, without a timer and without a goroutine of its own. The first put that
// finds no append under way at its shard leads: it appends what is queued there as one block, answers all whose
// entries were in it, and hands the lead to the first of those that have queued up meanwhile. So an idle shard commits
// at once, a busy one in large blocks.
type appender struct {
	blocks     store.Blocks
	clock      clockwork.Clock
	tail       *tail
	queueBytes int64 // bound of each shard's queue
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

// lead appends one block of what is queued, answers the puts in it and passes the lead on. It does not heed the end
// of the context, since the entries of others are at stake.
func (a *appender) lead(ctx context.Context, l *shardLog) {
	groups, gone := l.take()
	err := ErrGone
	if !gone {
		err = a.write(context.WithoutCancel(ctx), l, groups)
	}
	l.passLead()
	for _, g := range groups {
		if err != nil {
			g.fail(g.indexes, err)
		}
		g.call.news <- news{group: g, done: true}
	}
}

// take removes from the queue what goes into the next block: at least one group, and no more than a block holds.
func (l *shardLog) take() (groups []*group, gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
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
	return groups, l.gone
}

// passLead gives the lead to the group that has waited longest, or ends it when none waits.
func (l *shardLog) passLead() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		l.queue[0].promote()
		return
	}
	l.leading = false
	l.queue = nil // an idle shard keeps nothing
	if l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// write makes the groups durable as one block, shows it to readers and fills in the results.
func (a *appender) write(ctx context.Context, l *shardLog, groups []*group) error {
	if err := l.load(ctx, a.blocks); err != nil {
		return err
	}
	data, b := encodeBlock(l.drafts(groups))
	c := l.cipher.Load()
	if c != nil && c.on {
		var err error
		if data, err = c.seal(data); err != nil {
			return err
		}
		for i := range b.records {
			b.records[i].Encrypted = true
		}
	}
	ordinal, err := a.blocks.Append(ctx, l.key.log(), data)
	if err == nil && (ordinal > maxOrdinal || ordinal <= l.lastOrdinal()) {
		err = fmt.Errorf("ordinal %d is out of order", ordinal)
	}
	if err != nil {
		if !errors.Is(err, store.ErrFull) {
			a.doubt(l)
		}
		return fmt.Errorf("append to %s in stream %d: %w", l.shard.ID(), l.key.Stream, err)
	}
	b.place(ordinal)
	l.publish(b, a.tail)
	at := 0
	for _, g := range groups {
		for _, i := range g.indexes {
			r := &b.records[at]
			g.call.results[i] = Put{Shard: l.key.Index, SequenceNumber: l.shard.SequenceNumber(r.Position, r.Arrival), Encrypted: r.Encrypted}
			at++
		}
	}
	return nil
}

// doubt forgets what is known of the log's end, since the store could not say whether a block was stored.
func (a *appender) doubt(l *shardLog) {
	a.tail.drop(l.key)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loaded, l.oldest, l.doubted = false, oldestUnknown, true
}

// drafts returns the entries of the groups with their times of arrival, which never go back.
func (l *shardLog) drafts(groups []*group) []draft {
	l.mu.Lock()
	defer l.mu.Unlock()
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

func (l *shardLog) lastOrdinal() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tip.ordinal()
}

// publish makes a durable block visible and wakes the readers that wait for it. The tail has it before the tip
// moves, so that they find it there.
func (l *shardLog) publish(b *block, t *tail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.tip
	if l.doubted { // what was in doubt may have happened since the tip was found: it is between the two, in the store
		before, l.doubted = positionAt(b.ordinal, 0).before(), false
	}
	t.add(l.key, b, before)
	l.tip = b.end()
	for i := range b.records {
		l.measure(b.records[i].Hash, b.records[i].size())
	}
	if l.oldest == oldestNone {
		l.oldest = b.last
	}
	l.wake()
}
