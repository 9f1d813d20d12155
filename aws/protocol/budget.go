package protocol

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// budget is a number of bytes shared by all requests. Those who find too little left wait in line.
type budget struct {
	mu      sync.Mutex
	size    int64
	free    int64
	waiting list.List // of *claim, the oldest in front
}

type claim struct {
	n     int64
	ready chan struct{}
}

func newBudget(size int64) *budget { return &budget{size: size, free: size} }

// take takes n bytes, waiting at most as long as given. It returns what was taken, which is no more than the whole
// budget, so that one request larger than it can still pass alone; ok is false when it took nothing.
func (b *budget) take(ctx context.Context, n int64, wait time.Duration) (taken int64, ok bool) {
	n = min(n, b.size)
	b.mu.Lock()
	if b.waiting.Len() == 0 && b.free >= n {
		b.free -= n
		b.mu.Unlock()
		return n, true
	}
	c := &claim{n: n, ready: make(chan struct{})}
	place := b.waiting.PushBack(c)
	b.mu.Unlock()

	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-c.ready:
		return n, true
	case <-timer.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-c.ready: // served just as the wait ended
		return n, true
	default:
	}
	b.waiting.Remove(place)
	b.serve() // a large claim in front may have held back smaller ones
	return 0, false
}

// give gives n bytes back.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	b.serve()
}

// serve lets those in front of the line go on whose claims fit.
func (b *budget) serve() {
	for place := b.waiting.Front(); place != nil; place = b.waiting.Front() {
		c := place.Value.(*claim)
		if c.n > b.free {
			return
		}
		b.free -= c.n
		b.waiting.Remove(place)
		close(c.ready)
	}
}
