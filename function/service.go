package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// Store is what the room keeps its things in.
type Store interface {
	store.Tables
	store.Blobs
}

// Config is what a Service is made of. Store, Clock, Log, Executor and CodeDir are required.
type Config struct {
	Store    Store
	Clock    clockwork.Clock
	Log      *slog.Logger
	Executor Executor
	// Roles knows the roles that functions may run as; nil lets them name any.
	Roles Roles
	// Recorder takes what is measured; nil for nobody.
	Recorder Recorder
	// Logs keeps what functions print; nil for nobody.
	Logs Logs
	// TransitionDelay is how long a function stays Pending, and an update InProgress, at least.
	TransitionDelay time.Duration
	// Concurrency is how many invocations an account has in a region at one time, 1000 when zero.
	Concurrency int
	// MaxInstances is how many instances the server has at one time, without those elsewhere; 1000 when zero.
	MaxInstances int
	// IdleTimeout is how long an instance is kept without work, 10 minutes when zero.
	IdleTimeout time.Duration
	// SettleGrace is how long an invocation waits for an environment that has answered and is about to be ready again,
	// before it takes another; 100 ms when zero.
	SettleGrace time.Duration
	// CodeDir is the folder for extracted code. The room is its only user.
	CodeDir string
	// Destination takes what is to be told of events; nil when there is none.
	Destination Destination
	// MaxEvents is how many events of one function wait at one time, 10000 when zero.
	MaxEvents int
	// Random returns numbers from 0 to 1, 1 excluded, by which aliases with weights choose; nil for real chance.
	Random func() float64
}

// Service is the room of functions. Its methods may be called at the same time from many goroutines, before Run and
// while it runs.
type Service struct {
	clock              clockwork.Clock
	log                *slog.Logger
	tables             store.Tables
	executor           Executor
	recorder           Recorder
	destination        Destination
	eventConfigs       store.Collection[EventConfig]
	roles              Roles
	logs               Logs
	delay              time.Duration
	random             func() float64
	functions          store.Collection[record]
	versions           store.Collection[published]
	aliases            store.Collection[Alias]
	policies           store.Collection[keptPolicy]
	events             store.Collection[event]
	provisionedConfigs store.Collection[ProvisionedConfig]
	urlConfigs         store.Collection[URLConfig]
	code               *codeShelf
	pool               *pool
	backlog            *backlog
	layers             *layers
	doubts             *store.Doubts
	changing           locks[Name]  // held while a function, or what belongs to it, is changed
	reserving          locks[scope] // held while a reservation is, before changing

	mu      sync.RWMutex
	entries map[Name]*entry // an entry is replaced, never changed
	urlIDs  map[string]Ref  // whose URL has the id
	due     map[Name]time.Time
	wake    chan struct{} // holds one; tells Run that due has changed
}

// record is how a function is kept.
type record struct {
	Function Function
	// Serving is what is invoked while Function is not: during an update, and after one that failed.
	Serving *Function `json:",omitempty"`
	// Published is the number of the newest version that there ever was.
	Published int `json:",omitempty"`
	// The rest is as in Attributes.
	Tags          map[string]string `json:",omitempty"`
	Reserved      *int              `json:",omitempty"`
	RecursiveLoop string            `json:",omitempty"`
}

// entry is a function in memory, with all that belongs to it. Once others can see it, nothing of it changes.
type entry struct {
	record
	deployment *deployment       // what is invoked as Latest; nil when nothing can be
	versions   []*version        // in the order of their numbers
	aliases    map[string]Alias  // by their names
	policies   map[string]Policy // by qualifier; that of the function itself is under ""
	samples    Samples           // takes what is measured

	eventConfigs map[string]EventConfig       // by qualifier
	provisioned  map[string]ProvisionedConfig // by qualifier
	urls         map[string]URLConfig         // by qualifier; that of the function itself is under ""
}

// New returns the room with what the store holds of it. What was pending goes on when Run is called.
func New(c Config) (*Service, error) {
	if c.Recorder == nil {
		c.Recorder = unrecorded{}
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Logs == nil {
		c.Logs = unkept{}
	}
	if c.Destination == nil {
		c.Destination = nowhere{}
	}
	setDefault(&c.MaxEvents, maxEventsOfFunction)
	setDefault(&c.Concurrency, 1000)
	setDefault(&c.MaxInstances, 1000)
	setDefault(&c.IdleTimeout, 10*time.Minute)
	setDefault(&c.SettleGrace, settleGrace)
	code, err := openCodeShelf(c.Store, c.CodeDir, c.Log)
	if err != nil {
		return nil, err
	}
	s := &Service{
		clock:              c.Clock,
		log:                c.Log,
		tables:             c.Store,
		executor:           c.Executor,
		recorder:           c.Recorder,
		roles:              c.Roles,
		logs:               c.Logs,
		delay:              c.TransitionDelay,
		random:             c.Random,
		functions:          store.NewCollection[record](c.Store, "functions"),
		versions:           store.NewCollection[published](c.Store, "function-versions"),
		aliases:            store.NewCollection[Alias](c.Store, "function-aliases"),
		policies:           store.NewCollection[keptPolicy](c.Store, "function-policies"),
		events:             store.NewCollection[event](c.Store, "function-events"),
		code:               code,
		backlog:            newBacklog(c.MaxEvents),
		layers:             newLayers(c.Store),
		destination:        c.Destination,
		eventConfigs:       store.NewCollection[EventConfig](c.Store, "function-event-configs"),
		provisionedConfigs: store.NewCollection[ProvisionedConfig](c.Store, "function-provisioned"),
		urlConfigs:         store.NewCollection[URLConfig](c.Store, "function-urls"),
		urlIDs:             make(map[string]Ref),
		doubts:             store.NewDoubts(c.Store),
		pool:               newPool(c.Clock, c.Concurrency, c.MaxInstances, c.IdleTimeout),
		entries:            make(map[Name]*entry),
		due:                make(map[Name]time.Time),
		wake:               make(chan struct{}, 1),
	}
	s.pool.grace = c.SettleGrace
	if err := s.load(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("load functions: %w", err), code.close())
	}
	return s, nil
}

func (s *Service) load(ctx context.Context) error {
	for item, err := range s.functions.Scan(ctx, "") {
		if err != nil {
			return err
		}
		e := &entry{record: item.Value}
		e.asLatest()
		for _, f := range e.snapshots() {
			s.code.holdAll(f)
		}
		name := e.Function.Name
		e.samples = s.recorder.Function(name)
		if f := e.serving(); f != nil {
			e.deployment = s.deploy(*f, e.samples)
		}
		s.entries[name] = e
		if e.pending() {
			s.due[name] = s.clock.Now()
		}
	}
	for _, load := range []func(context.Context) error{s.loadVersions, s.loadAliases, s.loadPolicies, s.loadEventConfigs, s.loadEvents, s.loadLayers, s.loadProvisioned, s.loadURLs} {
		if err := load(ctx); err != nil {
			return err
		}
	}
	for name, e := range s.entries {
		s.supply(name, e)
	}
	return nil
}

// asLatest names the version of a record that was stored when there was only one.
func (r *record) asLatest() {
	r.Function.Version = Latest
	if r.Serving != nil {
		r.Serving.Version = Latest
	}
}

// pending reports whether a transition is under way.
func (r record) pending() bool {
	return r.Function.State == Pending || r.Function.LastUpdateStatus == UpdateInProgress
}

// serving returns what is invoked, or nil.
func (r record) serving() *Function {
	switch {
	case r.Serving != nil:
		return r.Serving
	case r.Function.State == Active && r.Function.LastUpdateStatus == UpdateSuccessful:
		return &r.Function
	}
	return nil
}

// snapshots returns the functions whose code the record needs.
func (r record) snapshots() []Function {
	if r.Serving != nil {
		return []Function{r.Function, *r.Serving}
	}
	return []Function{r.Function}
}

// key is where the store has a function, or what belongs to one.
func key(n Name, more ...string) string {
	return store.Key(append([]string{n.Account, n.Region, n.Name}, more...)...)
}

// lookup returns the function's entry, or a *NotFoundError.
func (s *Service) lookup(name Name) (*entry, error) {
	s.mu.RLock()
	e := s.entries[name]
	s.mu.RUnlock()
	if e == nil {
		return nil, &NotFoundError{ARN: name.ARN()}
	}
	return e, nil
}

// save makes next the function's record, instead of old (nil for a new function), together with what else is to be
// stored, and moves the uses of code along. done is as in commit. The caller holds the function's lock.
func (s *Service) save(ctx context.Context, old, next *entry, done outcome, also ...store.Write) error {
	ifRevision := uint64(0)
	if old == nil {
		ifRevision = store.Absent
	}
	name := next.Function.Name
	put, err := s.functions.Write(key(name), next.record, ifRevision)
	if err != nil {
		done.call(ctx, false)
		return err
	}
	for _, f := range next.snapshots() {
		s.code.holdAll(f)
	}
	err = s.commit(ctx, old, next, func(ctx context.Context, made bool) {
		s.saved(ctx, old, next, made)
		done.call(ctx, made)
	}, append(also, put)...)
	switch {
	case errors.Is(err, store.ErrConflict):
		return ErrExists
	case err != nil:
		return fmt.Errorf("store function %s: %w", name.ARN(), err)
	}
	return nil
}

// saved moves on what depends on a function's record, when next has taken the place of old or did not.
func (s *Service) saved(ctx context.Context, old, next *entry, made bool) {
	if !made {
		s.releaseCode(ctx, next.record)
		return
	}
	name := next.Function.Name
	if next.pending() && (old == nil || !old.pending()) {
		s.mu.Lock()
		s.due[name] = s.clock.Now().Add(s.delay)
		s.mu.Unlock()
		s.poke()
	}
	if old != nil {
		s.releaseCode(ctx, old.record)
	}
}

func (s *Service) releaseCode(ctx context.Context, r record) {
	for _, f := range r.snapshots() {
		s.code.releaseAll(ctx, f)
	}
}

// poke makes Run look at what is due.
func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run finishes what is pending, delivers events, keeps what is provisioned, and stops instances that have been idle for long, until the
// context ends. Then it stops all instances and returns nil when nothing of them is left; invocations are refused from then on. It is called once.
func (s *Service) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() {
		if err := s.code.tidy(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("old code cannot be removed", "err", err)
		}
	})
	work.Go(func() { s.pool.expire(ctx) })
	work.Go(func() { s.deliverEvents(ctx) })
	work.Go(func() { s.provide(ctx) })
	s.settleDue(ctx)
	work.Wait()
	s.pool.stop()
	if err := s.code.close(); err != nil {
		s.log.Warn("extracted code cannot be removed", "err", err)
	}
	return nil
}
