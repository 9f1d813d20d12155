package mapping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
)

// Config is what a Service is made of. Store, Clock, Source, Invoker and Destination are required; a zero elsewhere
// means the default.
type Config struct {
	Store       store.Tables
	Clock       clockwork.Clock
	Log         *slog.Logger // default: discards
	Source      Source
	Invoker     Invoker
	Destination Destination
	Recorder    Recorder // takes what is measured; default: nobody
	// Consumers lets consumers be sources too; without it there are none.
	Consumers Consumers
	// Polled, if it is there, is read in place of Source, once a second and not as records are put: as AWS does it. Its
	// Read is *stream.ReadRateError when the shard has been read too much. Consumers are pushed to all the same.
	Polled Source

	// Permission, if it is there, is asked what the roles of functions may read, and where they may send.
	Permission Permission

	// TransitionDelay is how long Creating, Updating and the other transitions last; 0 ends them at once.
	TransitionDelay time.Duration
	// StopGrace is how long invocations in flight may go on once Run was asked to stop; default 10 s. What has not
	// ended by then is abandoned, and its batch is delivered again later.
	StopGrace time.Duration
	// RetryBase is the wait before the first retry, default 0.2 s. It doubles with each further one up to RetryCap,
	// default 60 s.
	RetryBase, RetryCap time.Duration
	// Chance returns numbers from 0 to below 1, which keep lanes and pollers that were throttled together from coming back
	// together: they wait for half of the time at least. It is called from many goroutines; by default all wait for all of it.
	Chance func() float64
	// Recheck is how often a mapping looks for a stream that is gone; default 10 s.
	Recheck time.Duration
	// MaxMappings bounds the table of mappings; default 10,000.
	MaxMappings int
	// BufferBytes bounds what is read ahead over all mappings, beside a little that each lane may always have; default
	// 256 MiB.
	BufferBytes int64

	// HistoryBytes bounds the trails of recent batches that are held in memory over all mappings, beside those of batches
	// at work; default 16 MiB. A negative number keeps none.
	HistoryBytes int64
	// DiscardedBatches and DiscardedBytes bound what is stored of each mapping's discarded batches and their records;
	// default 1,000 and 64 MiB. The oldest make room for new ones. A negative number of either keeps none.
	DiscardedBatches int
	DiscardedBytes   int64
}

// withDefaults returns the configuration with the zeros filled in, or an error that names what is missing.
func (c Config) withDefaults() (Config, error) {
	if c.Store == nil || c.Clock == nil || c.Source == nil || c.Invoker == nil || c.Destination == nil {
		return c, errors.New("mapping: Store, Clock, Source, Invoker and Destination are required")
	}
	if c.Recorder == nil {
		c.Recorder = unrecorded{}
	}
	if c.Chance == nil {
		c.Chance = func() float64 { return 0 }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&c.StopGrace, 10 * time.Second},
		{&c.RetryBase, 200 * time.Millisecond},
		{&c.RetryCap, 60 * time.Second},
		{&c.Recheck, 10 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.MaxMappings == 0 {
		c.MaxMappings = 10_000
	}
	if c.BufferBytes == 0 {
		c.BufferBytes = 256 << 20
	}
	if c.HistoryBytes == 0 {
		c.HistoryBytes = 16 << 20
	}
	if c.DiscardedBatches == 0 {
		c.DiscardedBatches = 1000
	}
	if c.DiscardedBytes == 0 {
		c.DiscardedBytes = 64 << 20
	}
	return c, nil
}

// Service keeps the mappings and, while Run runs, leads their records to their functions. Its methods may be called at
// the same time from many goroutines, also while Run is not running.
type Service struct {
	config Config

	table    table
	doubts   *store.Doubts // by UUID
	buffered atomic.Int64  // bytes that lanes hold, over all mappings
	recorder *history.Recorder

	mu      sync.RWMutex
	entries map[string]*entry // by UUID; those that are gone stay until they are removed from the store
	arrived chan struct{}     // has an element when an entry may have no runner yet
}

// New returns a service with the mappings that the store holds. It starts nothing.
func New(c Config) (*Service, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Service{
		config:   c,
		table:    newTable(c.Store),
		doubts:   store.NewDoubts(c.Store),
		recorder: history.NewRecorder(c.HistoryBytes),
		entries:  map[string]*entry{},
		arrived:  make(chan struct{}, 1),
	}
	for e, err := range s.table.load(context.Background()) {
		if err != nil {
			return nil, fmt.Errorf("load event source mappings: %w", err)
		}
		s.remember(e)
		s.entries[e.uuid] = e
	}
	return s, nil
}

// Run leads records to functions until ctx ends. Then no new invocation begins, those in flight get StopGrace to end,
// and Run returns nil when all that it started has stopped. Run may be called again after it returned.
func (s *Service) Run(ctx context.Context) error {
	grace, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var runners sync.WaitGroup
	started := map[*entry]bool{}
	for ctx.Err() == nil {
		for _, e := range s.all() {
			if !started[e] {
				started[e] = true
				runners.Go(func() { newRunner(s, e).run(ctx, grace) })
			}
		}
		for e := range started {
			if e.isRemoved() {
				delete(started, e)
			}
		}
		s.awaitArrival(ctx)
	}
	s.awaitStop(&runners, cancel)
	return nil
}

// awaitArrival returns when there may be a mapping without a runner, and settles doubts meanwhile.
func (s *Service) awaitArrival(ctx context.Context) {
	for {
		var again <-chan time.Time
		if s.settleDoubts(ctx) {
			again = s.config.Clock.After(settleEvery)
		}
		select {
		case <-s.arrived:
		case <-again:
			continue
		case <-ctx.Done():
		}
		return
	}
}

// awaitStop waits for the runners, and ends their grace when it is over.
func (s *Service) awaitStop(runners *sync.WaitGroup, cancel context.CancelFunc) {
	over := s.config.Clock.AfterFunc(s.config.StopGrace, cancel)
	defer over.Stop()
	runners.Wait()
}

// all returns the entries of the moment, in no order.
func (s *Service) all() []*entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	entries := make([]*entry, 0, len(s.entries))
	for _, e := range s.entries {
		entries = append(entries, e)
	}
	return entries
}

// add lets a new mapping be seen and run, unless it is.
func (s *Service) add(e *entry) {
	s.remember(e)
	s.mu.Lock()
	if s.entries[e.uuid] == nil {
		s.entries[e.uuid] = e
	}
	s.mu.Unlock()
	s.lookAgain()
}

// lookAgain makes Run look for mappings without a runner, and for doubts.
func (s *Service) lookAgain() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

func (s *Service) remove(e *entry) {
	e.markRemoved()
	s.recorder.Drop(e.uuid)
	s.mu.Lock()
	delete(s.entries, e.uuid)
	s.mu.Unlock()
	s.lookAgain()
}

// find returns the mapping of the account and region, unless it is gone.
func (s *Service) find(account, region, uuid string) (*entry, row, error) {
	s.mu.RLock()
	e := s.entries[uuid]
	s.mu.RUnlock()
	if e == nil {
		return nil, row{}, ErrNotFound
	}
	r, _ := e.current()
	if r.Account != account || r.Region != region || r.Phase.at(s.config.Clock.Now()) == gone {
		return nil, row{}, ErrNotFound
	}
	return e, r, nil
}

// early returns by which part of its wait one who was throttled is early, by chance.
func (s *Service) early() float64 { return s.config.Chance() / 2 }

// sleep waits until the time has passed, or something else comes first: the end of ctx, or the closing of a channel.
func (s *Service) sleep(ctx context.Context, d time.Duration, or <-chan struct{}) {
	timer := s.config.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-or:
	case <-ctx.Done():
	}
}
