package metric

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// Config is what a Service is made of. Store and Clock are required; a zero elsewhere means the default.
type Config struct {
	Store store.Tables
	Clock clockwork.Clock
	Log   *slog.Logger // default: discards
	// Metrics bounds the metrics of a scope; default 10,000.
	Metrics int
	// Elsewhere, when it is not nil, takes what is recorded, minute by minute; the room then keeps only what is put.
	Elsewhere Elsewhere
}

// Service keeps metrics. Its methods may be called at the same time from many goroutines, also while Run is not running.
type Service struct {
	config  Config
	metrics store.Collection[metricRow]
	rows    store.Collection[row]

	mu     sync.Mutex
	scopes map[Scope]map[string]*series // by key
	next   uint64                       // the number of the next metric
	cells  []*cell                      // with samples that are not written yet
	doomed []uint64                     // numbers of metrics whose rows are to be removed
}

// series is a metric in memory. What may change is guarded by the service's mutex.
type series struct {
	number uint64
	scope  Scope
	name   Name
	key    string
	// turn has an element while rows are merged or read: it is a lock that may be held while the store works.
	turn chan struct{}

	last   int64 // when its newest period began, 0 when it never had a sample
	stored int64 // the same as the store has it, -1 when it has nothing
	// scattered is the oldest period that may have several rows, 0 when none has.
	scattered int64
	gone      bool // it has left the room
}

// New returns a service with the metrics that the store holds. It starts nothing.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil {
		return nil, errors.New("metric: Store and Clock are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == 0 {
		c.Metrics = 10_000
	}
	s := &Service{
		config:  c,
		metrics: store.NewCollection[metricRow](c.Store, tableMetrics),
		rows:    store.NewCollection[row](c.Store, tableRows),
		scopes:  map[Scope]map[string]*series{},
		next:    1,
	}
	for item, err := range s.metrics.Scan(context.Background(), "") {
		if err != nil {
			return nil, fmt.Errorf("load metrics: %w", err)
		}
		if len(item.Key) != 8 {
			return nil, fmt.Errorf("load metrics: key %q: %w", item.Key, store.ErrCorrupt)
		}
		s.adopt(binary.BigEndian.Uint64([]byte(item.Key)), item.Value)
	}
	return s, nil
}

// adopt takes up a metric that the store holds.
func (s *Service) adopt(number uint64, r metricRow) {
	x := &series{
		number: number, scope: Scope{r.Account, r.Region}, last: r.Last, stored: r.Last, turn: make(chan struct{}, 1),
		name: Name{Namespace: r.Namespace, Metric: r.Metric, Dimensions: r.Dimensions},
	}
	x.key = x.name.key()
	s.scope(x.scope)[x.key] = x
	s.next = max(s.next, number+1)
}

// scope returns the metrics of a scope; the caller holds the mutex, or is alone.
func (s *Service) scope(of Scope) map[string]*series {
	all := s.scopes[of]
	if all == nil {
		all = map[string]*series{}
		s.scopes[of] = all
	}
	return all
}

// find returns a metric, or nil.
func (s *Service) find(of Scope, key string) *series {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scopes[of][key]
}

// demand returns a metric, which it makes if need be; fresh says that it did. The name is sorted. The error is a
// *LimitError. The caller holds the mutex.
func (s *Service) demand(of Scope, name Name, key string) (x *series, fresh bool, err error) {
	all := s.scope(of)
	if x := all[key]; x != nil {
		return x, false, nil
	}
	if len(all) >= s.config.Metrics && !(name.ours() && s.evict(all)) {
		return nil, false, &LimitError{Limit: s.config.Metrics}
	}
	x = &series{number: s.next, scope: of, name: name, key: key, stored: -1, turn: make(chan struct{}, 1)}
	s.next++
	all[key] = x
	return x, true, nil
}

// silence is how long a metric of the house must have been silent to be evicted.
const silence = 3 * time.Hour

// evict gives up the metric of the house that has been silent for the longest, if that is long enough; the caller holds
// the mutex.
func (s *Service) evict(all map[string]*series) bool {
	var oldest *series
	for _, x := range all {
		if x.name.ours() && (oldest == nil || x.last < oldest.last) {
			oldest = x
		}
	}
	if oldest == nil || oldest.last > s.config.Clock.Now().Add(-silence).Unix() {
		return false
	}
	s.drop(oldest)
	return true
}

// drop lets a metric leave the room; the caller holds the mutex.
func (s *Service) drop(x *series) {
	x.gone = true
	delete(s.scopes[x.scope], x.key)
	if x.stored >= 0 {
		s.doomed = append(s.doomed, x.number)
	}
}

// foldEvery is how often rows are merged.
const foldEvery = time.Hour

// Run writes down what was recorded, minute by minute, and merges what has become old, until ctx ends. Then it writes
// down the rest and returns nil. What cannot be written is tried again in the next minute.
func (s *Service) Run(ctx context.Context) error {
	folded := s.config.Clock.Now()
	for ctx.Err() == nil {
		now := s.config.Clock.Now()
		timer := s.config.Clock.NewTimer(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			continue
		case <-timer.Chan():
		}
		now = s.config.Clock.Now()
		s.note("write metrics", s.flush(ctx, minutes.floor(now.Unix())))
		s.note("remove metrics", s.bury(ctx))
		if now.Sub(folded) >= foldEvery {
			folded = now
			s.note("merge metrics", s.fold(ctx, now))
		}
	}
	s.note("write metrics", s.flush(context.WithoutCancel(ctx), s.config.Clock.Now().Unix()+1))
	return nil
}

// note logs an error that somebody else cannot be told of.
func (s *Service) note(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.config.Log.Warn("cannot "+what, "error", err)
	}
}
