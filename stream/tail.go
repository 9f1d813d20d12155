package stream

import (
	"container/list"
	"slices"
	"sync"
)

// tail keeps the newest blocks of all shards in memory, within one budget of bytes for all. Readers at the tip of a
// shard share them. Only appends put blocks in, so that a reader who catches up from far behind pushes nothing out.
type tail struct {
	budget int64

	mu    sync.Mutex
	bytes int64
	order *list.List // of *tailBlock, oldest first
	runs  map[ShardKey]*run
}

// run is the end of one shard's log: its last blocks without a gap.
type run struct {
	// from is the position of the record before the first block of the run: a reader that has got so far finds
	// everything here.
	from   Position
	blocks []*tailBlock
}

type tailBlock struct {
	*block
	key     ShardKey
	element *list.Element
}

func newTail(budget int64) *tail {
	return &tail{budget: budget, order: list.New(), runs: make(map[ShardKey]*run)}
}

// add puts in the newest block of a shard, whose log ended at the given position before.
func (t *tail) add(key ShardKey, b *block, before Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b.bytes > t.budget {
		t.dropLocked(key)
		return
	}
	r := t.runs[key]
	if r == nil {
		r = &run{from: before}
		t.runs[key] = r
	}
	tb := &tailBlock{block: b, key: key}
	tb.element = t.order.PushBack(tb)
	r.blocks = append(r.blocks, tb)
	t.bytes += b.bytes
	for t.bytes > t.budget {
		t.evict()
	}
}

// evict removes the oldest block of all, which is the first one of its shard's run.
func (t *tail) evict() {
	tb := t.order.Remove(t.order.Front()).(*tailBlock)
	t.bytes -= tb.bytes
	r := t.runs[tb.key]
	r.from = tb.end()
	r.blocks[0] = nil
	if r.blocks = r.blocks[1:]; len(r.blocks) == 0 {
		delete(t.runs, tb.key)
	}
}

// after returns the blocks that hold what comes after the cursor, up to tip. ok is false when the tail does not reach
// back so far.
func (t *tail) after(key ShardKey, cursor, tip Position) (blocks []*block, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.runs[key]
	if r == nil || cursor < r.from {
		return nil, false
	}
	at, _ := slices.BinarySearchFunc(r.blocks, cursor, func(b *tailBlock, cursor Position) int {
		if b.end() <= cursor {
			return -1
		}
		return 1
	})
	for _, tb := range r.blocks[at:] {
		if tb.end() > tip {
			break
		}
		blocks = append(blocks, tb.block)
	}
	return blocks, true
}

// drop forgets a shard.
func (t *tail) drop(key ShardKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropLocked(key)
}

func (t *tail) dropLocked(key ShardKey) {
	if r := t.runs[key]; r != nil {
		for _, tb := range r.blocks {
			t.order.Remove(tb.element)
			t.bytes -= tb.bytes
		}
		delete(t.runs, key)
	}
}

// trim forgets a shard's blocks with lower ordinals.
func (t *tail) trim(key ShardKey, before uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.runs[key]
	for r != nil && len(r.blocks) > 0 && r.blocks[0].ordinal < before {
		tb := r.blocks[0]
		t.order.Remove(tb.element)
		t.bytes -= tb.bytes
		r.from = tb.end()
		r.blocks[0] = nil
		r.blocks = r.blocks[1:]
	}
	if r != nil && len(r.blocks) == 0 {
		delete(t.runs, key)
	}
}
