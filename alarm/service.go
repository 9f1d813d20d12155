package alarm

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

// The tables of the room. Their forms are part of the store's format.
const (
	tableAlarms  = "alarms"        // by account, region and name
	tableHistory = "alarm-history" // by the alarm's key, a time and a number
)

// Bounds.
const (
	maxAlarms  = 5_000 // of an account in a region
	maxHistory = 100   // items of an alarm
	maxTags    = 50
)

// Errors.
var (
	ErrNotFound = errors.New("alarm not found")
	ErrLimit    = errors.New("too many alarms")
	ErrTags     = errors.New("too many tags")
)

// Reader reads what alarms watch.
type Reader interface {
	// Values returns the values of the queries' one series that is not hidden, in periods that begin from the first moment on and
	// before the other, the oldest first. Periods without a value are left out.
	Values(ctx context.Context, account, region string, queries []Query, from, until time.Time) ([]Value, error)
}

// Actor carries actions out.
type Actor interface {
	// Act returns when the target, a topic or a function that an ARN names, has been told durably.
	Act(ctx context.Context, target string, e Event) error
}

// Config is what a Service is made of. All but Log is required; Actor may be set before Run.
type Config struct {
	Store  store.Tables
	Clock  clockwork.Clock
	Log    *slog.Logger // default: discards
	Reader Reader
	Actor  Actor
}

// Service keeps the alarms of all accounts and regions. All methods may be called at the same time.
type Service struct {
	config  Config
	alarms  store.Collection[row]
	history store.Collection[Item]
	doubts  *store.Doubts
	changed chan struct{} // holds one: an action may be pending

	mu    sync.Mutex
	known map[Name]*row // replaced, never changed
	items uint64        // numbers items of histories of one moment
	due   map[Name]time.Time
}

// New reads the alarms. It starts nothing.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil || c.Reader == nil {
		return nil, errors.New("alarm: Store, Clock and Reader are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		config: c, alarms: store.NewCollection[row](c.Store, tableAlarms), history: store.NewCollection[Item](c.Store, tableHistory),
		doubts: store.NewDoubts(c.Store), changed: make(chan struct{}, 1),
		known: map[Name]*row{}, due: map[Name]time.Time{},
	}
	for item, err := range s.alarms.Scan(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read alarms: %w", err)
		}
		parts := store.SplitKey(item.Key)
		if len(parts) != 3 {
			return nil, fmt.Errorf("alarm %q: %w", item.Key, store.ErrCorrupt)
		}
		s.known[Name{parts[0], parts[1], parts[2]}] = &item.Value
	}
	return s, nil
}

// evaluateEvery is how often it is looked which alarms are due: those with periods of a minute or more once a minute.
const evaluateEvery = 10 * time.Second

// Run looks at what alarms watch, and carries out their actions, until ctx ends. Then it returns nil. An action that is cut off is
// carried out by the next Run.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { s.doubts.Keep(ctx, s.config.Clock, s.config.Log) })
	running.Go(func() { s.act(ctx) })
	for {
		s.evaluateDue(ctx)
		now := s.config.Clock.Now()
		timer := s.config.Clock.NewTimer(now.Truncate(evaluateEvery).Add(evaluateEvery).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.Chan():
		}
	}
}

// evaluateDue evaluates the alarms whose time has come.
func (s *Service) evaluateDue(ctx context.Context) {
	now := s.config.Clock.Now()
	s.mu.Lock()
	var names []Name
	for name, r := range s.known {
		if s.due[name].After(now) {
			continue
		}
		step := min(max(r.Period(), evaluateEvery), time.Minute)
		s.due[name] = now.Truncate(step).Add(step)
		names = append(names, name)
	}
	s.mu.Unlock()
	for _, name := range names {
		if err := s.evaluate(ctx, name, now); err != nil && ctx.Err() == nil && !errors.Is(err, ErrNotFound) {
			s.config.Log.Warn("alarm cannot be evaluated", "alarm", name.ARN(), "error", err)
		}
	}
}

// evaluate looks at what an alarm watches, and changes its state when that says so.
func (s *Service) evaluate(ctx context.Context, name Name, now time.Time) error {
	r, err := s.find(name)
	if err != nil {
		return err
	}
	period := r.Period()
	until := now.Truncate(period)
	from := until.Add(-time.Duration(r.Periods+extraPeriods) * period)
	values, err := s.config.Reader.Values(ctx, name.Account, name.Region, r.Queries, from, until)
	if err != nil {
		return err
	}
	state, breaching, missing := r.verdict(values)
	if state == "" || state == r.State {
		return nil
	}
	c := Condition{
		State: state, Reason: r.reason(state, r.State, values, breaching, missing),
		ReasonData: r.reasonData(values, from, now),
	}
	return s.change(ctx, name, func(current *row) ([]Item, error) {
		if current.Configured != r.Configured || current.State != r.State {
			return nil, nil // it was changed meanwhile, and is looked at again
		}
		return current.turn(name, c, now), nil
	})
}

// turn gives an alarm another condition, and has its actions carried out if its state is another.
func (r *row) turn(name Name, c Condition, now time.Time) []Item {
	c.Updated, c.Transitioned = now.UTC(), r.Transitioned
	before := r.Condition
	if c.State == before.State {
		r.Condition = c
		return nil
	}
	c.Transitioned = c.Updated
	r.Condition = c
	if !r.Muted {
		for _, target := range r.actions(c.State) {
			r.Pending = append(r.Pending, pending{Target: target, Event: Event{Alarm: r.alarm(name), Previous: before}})
		}
		r.Pending = r.Pending[max(0, len(r.Pending)-maxPending):]
	}
	return []Item{{Kind: ItemState, Time: now, Summary: fmt.Sprintf("Alarm updated from %s to %s", before.State, c.State), Data: stateData(before, c)}}
}

func (r *row) alarm(name Name) Alarm {
	return Alarm{Name: name, Definition: r.Definition, Condition: r.Condition, Configured: r.Configured, Tags: r.Tags}
}
