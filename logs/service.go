package logs

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

// Store is what the room keeps its things in.
type Store interface {
	store.Tables
	store.Blocks
}

// Config is what a Service is made of. Store and Clock are required; a zero elsewhere means the default.
type Config struct {
	Store Store
	Clock clockwork.Clock
	Log   *slog.Logger // default: discards
	// Recorder takes what is measured; nil for nobody.
	Recorder Recorder
	// Elsewhere, when it is not nil, takes what the Writer is given, of which the room then keeps nothing.
	Elsewhere Elsewhere
	// GroupBytes bounds the events that a group keeps: the oldest make room. Default 256 MiB.
	GroupBytes int64
	// Streams bounds the streams of a group: the one silent for longest makes room, with its events. Default 10,000.
	Streams int
	// Groups bounds the groups of a scope. Default 10,000.
	Groups int
	// BufferBytes bounds what functions printed and is not durable yet; one group has at most a quarter of it. Default 16 MiB.
	BufferBytes int
}

// Service keeps logs. Its methods may be called at the same time from many goroutines, also while Run is not running.
type Service struct {
	config Config
	store  Store
	clock  clockwork.Clock
	log    *slog.Logger

	state   store.Collection[stateRow]
	rows    store.Collection[groupRow]
	doomed  store.Collection[doomedRow]
	streams store.Collection[streamRow]
	extents store.Collection[extentRow]
	writer  *Writer
	tails   tails

	doubts  *store.Doubts
	control chan struct{} // holds one while groups are made or deleted
	next    uint64        // the number of the next group; guarded by control

	mu     sync.RWMutex
	groups map[Scope]map[string]*group
}

// New returns a service with the groups that the store holds. It starts nothing.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil {
		return nil, errors.New("logs: Store and Clock are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Recorder == nil {
		c.Recorder = unrecorded{}
	}
	setDefault(&c.GroupBytes, 256<<20)
	setDefault(&c.Streams, 10_000)
	setDefault(&c.Groups, 10_000)
	setDefault(&c.BufferBytes, 16<<20)
	s := &Service{
		config: c, store: c.Store, clock: c.Clock, log: c.Log,
		state:   store.NewCollection[stateRow](c.Store, tableState),
		rows:    store.NewCollection[groupRow](c.Store, tableGroups),
		doomed:  store.NewCollection[doomedRow](c.Store, tableDoomed),
		streams: store.NewCollection[streamRow](c.Store, tableStreams),
		extents: store.NewCollection[extentRow](c.Store, tableExtents),
		doubts:  store.NewDoubts(c.Store),
		control: make(chan struct{}, 1),
		groups:  map[Scope]map[string]*group{},
	}
	s.writer = newWriter(s, c.BufferBytes)
	if err := s.load(context.Background()); err != nil {
		return nil, fmt.Errorf("load log groups: %w", err)
	}
	return s, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// load finds the groups. What is in them is loaded as it is asked for.
func (s *Service) load(ctx context.Context) error {
	state, _, err := s.state.Get(ctx, stateNumber)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	s.next = max(1, state.Number)
	for item, err := range s.rows.Scan(ctx, "") {
		if err != nil {
			return err
		}
		s.adopt(newGroup(s, item.Value))
	}
	return nil
}

// adopt puts a group where it is found.
func (s *Service) adopt(g *group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := g.row.name()
	if s.groups[name.Scope] == nil {
		s.groups[name.Scope] = map[string]*group{}
	}
	s.groups[name.Scope][name.Group] = g
}

// find returns a group, or ErrGroupNotFound.
func (s *Service) find(n Name) (*group, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if g := s.groups[n.Scope][n.Group]; g != nil {
		return g, nil
	}
	return nil, ErrGroupNotFound
}

// all returns all groups of all scopes.
func (s *Service) all() []*group {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []*group
	for _, groups := range s.groups {
		for _, g := range groups {
			all = append(all, g)
		}
	}
	return all
}

// Writer returns what takes the events that must not make anybody wait.
func (s *Service) Writer() *Writer { return s.writer }

// trimEvery is how often groups are looked through for what is older than they keep.
const trimEvery = 10 * time.Minute

// Run makes durable what the Writer takes, removes what has become too old, and finds out what became of commits in doubt,
// until ctx ends. Then it makes the rest
// durable and returns nil. It is called once.
func (s *Service) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { s.writer.run(ctx) })
	work.Go(func() { s.doubts.Keep(ctx, s.clock, s.log) })
	for ctx.Err() == nil {
		s.bury(ctx)
		for _, g := range s.all() {
			s.note("trim logs", g.trim(ctx))
		}
		timer := s.clock.NewTimer(trimEvery)
		select {
		case <-ctx.Done():
		case <-timer.Chan():
		}
		timer.Stop()
	}
	work.Wait()
	return nil
}

// note logs an error that somebody else cannot be told of.
func (s *Service) note(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrGroupNotFound) {
		s.log.Warn("cannot "+what, "error", err)
	}
}

// take takes a turn that one may have at a time, and may have while the store works.
func take(ctx context.Context, turn chan struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
