package disk

import (
	"context"
	"errors"
	"sync"

	"github.com/millrace/millrace/store"
)

// errFailed says that writing has stopped; the store knows why.
var errFailed = errors.New("writing has stopped")

// gate bounds the bytes of all writes that were taken in and are not durable yet, and with them the memory that a slow
// disk can cost. Writers pass in the order they came. One that alone is larger than the bound passes when nothing else
// is inside.
type gate struct {
	limit int64

	mu      sync.Mutex
	inside  int64
	waiting []*waiter
}

type waiter struct {
	bytes int64
	pass  chan struct{}
}

// enter waits until the bytes fit, or the context or the closing of a channel ends the waiting with its error.
func (g *gate) enter(ctx context.Context, bytes int64, failed, full <-chan struct{}) error {
	g.mu.Lock()
	if len(g.waiting) == 0 && g.fits(bytes) {
		g.inside += bytes
		g.mu.Unlock()
		return nil
	}
	w := &waiter{bytes: bytes, pass: make(chan struct{})}
	g.waiting = append(g.waiting, w)
	g.mu.Unlock()

	select {
	case <-w.pass:
		return nil
	case <-ctx.Done():
		g.giveUp(w)
		return ctx.Err()
	case <-failed:
		g.giveUp(w)
		return errFailed
	case <-full:
		g.giveUp(w)
		return store.ErrFull
	}
}

// grow counts bytes that turned out to be more than were let in, without waiting: those who come next wait for them.
func (g *gate) grow(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside += bytes
}

// leave gives the bytes back and lets in who fits now.
func (g *gate) leave(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside -= bytes
	g.admit()
}

func (g *gate) giveUp(w *waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiting {
		if other == w {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			g.admit() // the next may be smaller
			return
		}
	}
	// It was let in at the moment it gave up.
	g.inside -= w.bytes
	g.admit()
}

func (g *gate) admit() {
	for len(g.waiting) > 0 && g.fits(g.waiting[0].bytes) {
		w := g.waiting[0]
		g.waiting = g.waiting[1:]
		g.inside += w.bytes
		close(w.pass)
	}
}

func (g *gate) fits(bytes int64) bool { return g.inside == 0 || g.inside+bytes <= g.limit }
