package stream

import (
	"container/list"
	"sync"
)

// shelf keeps blocks that a catching-up reader stopped in the middle of, least recently used out first, within a
// budget of bytes. Without it a reader that takes a hundred records at a time would read a large block from the store
// a hundred times.
type shelf struct {
	budget int64

	mu     sync.Mutex
	bytes  int64
	order  *list.List // of shelved, least recently used first
	blocks map[shelfKey]*list.Element
}

type shelfKey struct {
	shard   ShardKey
	ordinal uint64
}

type shelved struct {
	key   shelfKey
	block *block
}

func newShelf(budget int64) *shelf {
	return &shelf{budget: budget, order: list.New(), blocks: make(map[shelfKey]*list.Element)}
}

// put keeps a block.
func (s *shelf) put(shard ShardKey, b *block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := shelfKey{shard, b.ordinal}
	if e, ok := s.blocks[key]; ok {
		s.order.MoveToBack(e)
		return
	}
	s.blocks[key] = s.order.PushBack(shelved{key, b})
	s.bytes += b.bytes
	for s.bytes > s.budget {
		s.remove(s.order.Front())
	}
}

// get returns the block if it is there.
func (s *shelf) get(shard ShardKey, ordinal uint64) (*block, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.blocks[shelfKey{shard, ordinal}]
	if !ok {
		return nil, false
	}
	s.order.MoveToBack(e)
	return e.Value.(shelved).block, true
}

// dropStream forgets all blocks of a stream.
func (s *shelf) dropStream(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, e := range s.blocks {
		if key.shard.Stream == number {
			s.remove(e)
		}
	}
}

func (s *shelf) remove(e *list.Element) {
	it := s.order.Remove(e).(shelved)
	s.bytes -= it.block.bytes
	delete(s.blocks, it.key)
}
