package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// Defaults of Config.
const (
	defaultInFlight = 120000
	defaultWaiting  = 20000
)

// Config is what a Service needs.
type Config struct {
	Store store.Tables
	Clock clockwork.Clock
	// Log gets what goes wrong behind the scenes. Nil discards it.
	Log *slog.Logger
	// RecreateDelay is how long the name of a deleted queue cannot be used again. AWS has 60 s; 0 means not at all.
	RecreateDelay time.Duration
	// InFlight bounds the messages in flight of one queue, and with them its memory: about 130 bytes each. 0 means
	// AWS's 120,000.
	InFlight int
	// Waiting bounds the receivers that wait for one queue. 0 means 20,000.
	Waiting int
}

// Service keeps the queues of all accounts and regions. All methods may be called at the same time.
type Service struct {
	*ground
	definitions   store.Collection[definition]
	drops         store.Collection[dropped]
	tasks         store.Collection[Task]
	recreateDelay time.Duration

	mu      sync.RWMutex
	queues  map[Name]*queue
	deleted map[Name]int64 // when queues were deleted, while that matters
}

// New reads the queues' definitions from the store; messages are read when a queue is first used. It starts nothing:
// see Run.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.InFlight <= 0 {
		c.InFlight = defaultInFlight
	}
	if c.Waiting <= 0 {
		c.Waiting = defaultWaiting
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMint(ctx, c.Store)
	if err != nil {
		return nil, fmt.Errorf("open queues: %w", err)
	}
	s := &Service{
		ground: &ground{
			tables: c.Store, clock: c.Clock, log: c.Log, mint: m,
			wakes: newAgenda(c.Clock), chores: newAgenda(c.Clock),
			limits: limits{inFlight: c.InFlight, waiting: c.Waiting}, closing: make(chan struct{}), doubts: store.NewDoubts(c.Store),
		},
		definitions:   store.NewCollection[definition](c.Store, tableQueues),
		drops:         store.NewCollection[dropped](c.Store, tableDropped),
		tasks:         store.NewCollection[Task](c.Store, tableTasks),
		recreateDelay: c.RecreateDelay,
		queues:        make(map[Name]*queue),
		deleted:       make(map[Name]int64),
	}
	s.ground.find = s.find
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("open queues: %w", err)
	}
	return s, nil
}

// Run wakes waiting receivers when messages become visible, writes behind what receives did, clears up what
// expired, was purged or belonged to deleted queues, and finds out what became of commits in doubt. It returns nil after the context has ended and the last was
// written; the store must stay open until then.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { s.wakes.keep(ctx, (*queue).wake) })
	running.Go(func() { s.chores.keep(ctx, func(q *queue) { s.chore(ctx, q) }) })
	running.Go(func() { s.loadAll(ctx) })
	running.Go(func() { s.doubts.Keep(ctx, s.clock, s.log) })
	running.Wait()
	return s.settleAll(context.WithoutCancel(ctx))
}

// loadAll reads the index of every queue that nobody has used yet, one after the other, so that its messages expire.
func (s *Service) loadAll(ctx context.Context) {
	for _, q := range s.all() {
		err := q.ready(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			s.log.Error("reading a queue's index failed; its messages expire once it is used", "queue", q.name.ARN(), "error", err)
		}
	}
}

// all returns the queues there are.
func (s *Service) all() []*queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*queue, 0, len(s.queues))
	for _, q := range s.queues {
		all = append(all, q)
	}
	return all
}

// deletedRecently reports whether a queue of the name was deleted less than the recreate delay ago, and forgets those
// for whom it no longer matters.
func (s *Service) deletedRecently(name Name, now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, at := range s.deleted {
		if now-at >= s.recreateDelay.Milliseconds() {
			delete(s.deleted, n)
		}
	}
	_, recently := s.deleted[name]
	return recently
}

// restoreDropped takes up, after a start, the clearing up of a deleted queue.
func (s *Service) restoreDropped(key string, d dropped) {
	q := newQueue(s.ground, d.name(), definition{Number: parseQueuePrefix(key)})
	q.gone = true
	s.chores.set(q, 0)
	if s.recreateDelay > 0 {
		s.deleted[d.name()] = max(d.Deleted, s.deleted[d.name()])
	}
}
