package function

import (
	"context"
	"sync"
)

// locks lets one at a time do something about a key, also while it waits for the disk. Waiting ends with the context.
type locks[K comparable] struct {
	mu    sync.Mutex
	gates map[K]*gate
}

// gate is held by whoever put the token in.
type gate struct {
	token chan struct{}
	users int // who holds it or waits for it
}

// lock waits for the key and returns the function that gives it back.
func (l *locks[K]) lock(ctx context.Context, key K) (unlock func(), err error) {
	l.mu.Lock()
	if l.gates == nil {
		l.gates = make(map[K]*gate)
	}
	g := l.gates[key]
	if g == nil {
		g = &gate{token: make(chan struct{}, 1)}
		l.gates[key] = g
	}
	g.users++
	l.mu.Unlock()

	select {
	case g.token <- struct{}{}:
		return func() {
			<-g.token
			l.leave(key, g)
		}, nil
	case <-ctx.Done():
		l.leave(key, g)
		return nil, ctx.Err()
	}
}

func (l *locks[K]) leave(key K, g *gate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.users--
	if g.users == 0 {
		delete(l.gates, key)
	}
}
