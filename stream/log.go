package stream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/store"
)

// shardLog is what the service keeps in memory of a shard: where its log ends, who waits for it to grow, and what is
// queued to be appended. It holds no goroutine; an idle one is a few hundred bytes.
type shardLog struct {
	key   ShardKey
	shard Shard // as it was when the log was opened: Index, Range and Created never change
	upper Hash  // where the upper half of its range begins
	// cipher says how blocks are encrypted; nil as long as none ever was.
	cipher atomic.Pointer[blockCipher]
	limits *throughput // nil when there are none; set before the log is used

	mu sync.Mutex
	// loaded says that the fields below tell what the store holds. It is false at first, and again after an append
	// of which the store cannot say whether it happened.
	loaded  bool
	doubted bool          // the store could not say of an append whether it happened, and none has succeeded since
	loading chan struct{} // closed when the load under way ends; nil when there is none
	tip     Position      // of the newest record; it never goes back
	arrival int64         // microseconds: no record arrives before this
	closed  bool          // the shard takes no more records: tip is its end
	// sealed is closed when it is known whether the shard is; it is nil unless that is being decided. Meanwhile nothing
	// new is queued.
	sealed  chan struct{}
	gone    bool          // the stream is being deleted
	changed chan struct{} // closed when tip, closed or gone change; nil when nobody waits
	counted load          // what has been written since the log was opened, or was refused for the shard's limits
	oldest  int64         // what the retention sweep knows of the log's first block: see sweep.go

	// The appender's part.
	queue   []*group
	queued  int64 // bytes
	leading bool
	// underWay are the blocks that the store has been given and that have not been settled, in order.
	underWay []*writing
	settled  uint64        // the last ordinal that the store gave, as far as is known
	idle     chan struct{} // closed when nothing is under way any more; nil when nobody waits
}

// The values of shardLog.oldest that are no arrival.
const (
	oldestUnknown = 0
	oldestNone    = -1 // the log is empty
)

// openLog returns the log of a shard. One that is known to be new needs no look at the store.
func openLog(key ShardKey, shard Shard, fresh bool) *shardLog {
	l := &shardLog{key: key, shard: shard, closed: !shard.Open(), arrival: shard.Created.UnixMicro()}
	l.upper, _ = shard.Range.middle()
	if fresh {
		l.loaded, l.oldest = true, oldestNone
	}
	return l
}

// state returns the position of the newest record and whether the shard is closed. It loads the log if need be;
// ErrGone when the stream is.
func (l *shardLog) state(ctx context.Context, blocks store.Blocks) (tip Position, closed bool, err error) {
	if err := l.load(ctx, blocks); err != nil {
		return 0, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return 0, false, ErrGone
	}
	return l.tip, l.closed, nil
}

// load makes sure that the log is loaded. One caller reads the store, the others wait for it.
func (l *shardLog) load(ctx context.Context, blocks store.Blocks) error {
	for {
		l.mu.Lock()
		if l.loaded {
			l.mu.Unlock()
			return nil
		}
		under := l.loading
		if under == nil {
			l.loading = make(chan struct{})
			l.mu.Unlock()
			return l.loadNow(ctx, blocks)
		}
		l.mu.Unlock()
		select {
		case <-under:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *shardLog) loadNow(ctx context.Context, blocks store.Blocks) error {
	tip, arrival, err := findTip(ctx, blocks, l.key)
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.loading)
	l.loading = nil
	if err != nil {
		return fmt.Errorf("open log of %s in stream %d: %w", l.shard.ID(), l.key.Stream, err)
	}
	l.loaded = true
	l.arrival = max(l.arrival, arrival)
	if len(l.underWay) == 0 {
		l.settled = max(l.settled, tip.ordinal())
	}
	if tip > l.tip {
		l.tip = tip
		l.wake()
	}
	return nil
}

// findTip returns the position of the newest record that the store holds and its arrival in microseconds. When the
// log has no blocks (any more) the position is that after the last block there ever was.
func findTip(ctx context.Context, blocks store.Blocks, key ShardKey) (Position, int64, error) {
	bounds, err := blocks.Bounds(ctx, key.log())
	if err != nil || bounds.Last == 0 {
		return 0, 0, err
	}
	if bounds.Empty() {
		return afterBlock(bounds.Last), 0, nil
	}
	// The last ordinal given out may belong to no block, so step back, ever further, until there is one.
	for step := uint64(1); ; step *= 2 {
		from := max(bounds.First, bounds.Last-min(bounds.Last, step-1))
		var tip Position
		var arrival int64
		for stored, err := range blocks.ReadBlocks(ctx, key.log(), from) {
			if err != nil {
				return 0, 0, err
			}
			h, err := decodeHeader(stored.Data)
			if err != nil {
				return 0, 0, blockError(key, stored.Ordinal, err)
			}
			tip, arrival = positionAt(stored.Ordinal, h.count-1), h.last
		}
		if tip != 0 {
			return tip, arrival, nil
		}
		if from == bounds.First {
			return afterBlock(bounds.Last), 0, nil
		}
	}
}

func blockError(key ShardKey, ordinal uint64, err error) error {
	return fmt.Errorf("block %d of %s in stream %d: %w", ordinal, ShardID(key.Index), key.Stream, err)
}

// wake tells all who wait that something changed. The caller holds the mutex.
func (l *shardLog) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// news returns a channel that is closed when the log changes; nil when there is a record after the cursor, or there will
// be none: the shard is closed or gone.
func (l *shardLog) news(after Position) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tip > after || l.closed || l.gone {
		return nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// wait returns when there is a record after the cursor, or there will be none.
func (l *shardLog) wait(ctx context.Context, after Position) error {
	for news := l.news(after); news != nil; news = l.news(after) {
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// seal has puts wait that are not queued yet.
func (l *shardLog) seal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sealed == nil {
		l.sealed = make(chan struct{})
	}
}

// unseal lets the waiting puts go on, to where the stream now has them go.
func (l *shardLog) unseal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsealLocked()
}

func (l *shardLog) unsealLocked() {
	if l.sealed != nil {
		close(l.sealed)
		l.sealed = nil
	}
}

// close ends the shard: its newest record is its last. Readers that have got so far are woken. The log has been sealed
// and nothing is under way.
func (l *shardLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		l.unsealLocked()
		l.wake()
	}
}

// asked returns what has been asked of the shard since the log was opened: what was written, and what would have been but
// for its limits.
func (l *shardLog) asked() load {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counted
}

// measure adds a record to what has been asked of the shard. The caller holds the mutex.
func (l *shardLog) measure(hash Hash, size int) {
	half := 0
	if hash.Compare(l.upper) >= 0 {
		half = 1
	}
	l.counted.bytes[half] += int64(size)
	l.counted.records[half]++
}

// lastArrival returns when the newest record arrived, in microseconds, or when the shard was created.
func (l *shardLog) lastArrival() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.arrival
}

// retire ends the log's use: readers are sent away, nothing new is queued, and what is queued fails.
func (l *shardLog) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	l.unsealLocked()
	l.wake()
}

// quiet reports whether no append is under way. The caller holds the mutex.
func (l *shardLog) quiet() bool { return !l.leading && len(l.underWay) == 0 }

// quiesce returns when no append is under way any more. The log has been retired.
func (l *shardLog) quiesce(ctx context.Context) error {
	for {
		l.mu.Lock()
		if l.quiet() {
			l.mu.Unlock()
			return nil
		}
		if l.idle == nil {
			l.idle = make(chan struct{})
		}
		idle := l.idle
		l.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
