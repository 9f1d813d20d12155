package stream

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// Storage is what the room asks of the store.
type Storage interface {
	store.Blocks
	store.Tables
}

// Config is what a Service is made of. Store, Clock and Log must be given.
type Config struct {
	Store Storage
	Clock clockwork.Clock
	Log   *slog.Logger
	// TransitionDelay is how long a stream stays CREATING, UPDATING or DELETING.
	TransitionDelay time.Duration
	// TailBytes bounds the memory for the newest blocks of all shards together; 0 means 64 MiB. A quarter of it is
	// allowed beside it for blocks that readers from further back are in the middle of.
	TailBytes int64
	// QueueBytes bounds the puts that wait at one shard; 0 means 16 MiB.
	QueueBytes int64
	// Recorder takes what is measured; nil for nobody.
	Recorder Recorder
	// ShardLimit is how many shards an account may have in a region; 0 means 20000.
	ShardLimit int
	// ShardLimits limits what is put to a shard, and read from it, as AWS does.
	ShardLimits bool
}

// Service keeps the streams. Its methods may be called from many goroutines. Streams change their state and records
// expire only while Run runs; everything else works without.
type Service struct {
	store    Storage
	clock    clockwork.Clock
	log      *slog.Logger
	recorder Recorder
	delay    time.Duration
	limit    int
	limited  bool // shards have limits
	appender *appender
	tail     *tail
	shelf    *shelf
	sealer   *sealer
	catalog  catalog
	roster   *roster
	closing  chan struct{} // closed when subscriptions are to end

	// control is held by whoever changes which streams there are: it is a lock that may be held while the store works.
	control chan struct{}
	doubts  *store.Doubts // settled by whoever has control
	next    uint64        // the number of the next stream; guarded by control
	changed chan struct{} // tells Run to look for transitions

	mu       sync.RWMutex
	byName   map[Name]*live
	byNumber map[uint64]*live
}

// live is a stream as the service keeps it. It is never changed: a new one takes its place.
type live struct {
	stream Stream
	since  time.Time // when it came into its status
	asked  int       // how many open shards it is to have when it is CREATING or UPDATING
	change *change   // what it is to become when it is UPDATING; nil otherwise
	// requests are those that a limit per day counts.
	requests requests
	secret   []byte      // that blocks are encrypted with; nil until encryption is first started
	logs     []*shardLog // of stream.Shards, one each in the same order
	routes   []route     // of the open shards, in order of their ranges' ends
	samples  Samples     // takes what is measured; set when it is published
}

// New returns a service over what the store holds.
func New(c Config) (*Service, error) {
	if c.TailBytes == 0 {
		c.TailBytes = 64 << 20
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = 16 << 20
	}
	if c.ShardLimit == 0 {
		c.ShardLimit = 20_000
	}
	if c.Recorder == nil {
		c.Recorder = unrecorded{}
	}
	t := newTail(c.TailBytes)
	s := &Service{
		store: c.Store, clock: c.Clock, log: c.Log, recorder: c.Recorder, delay: c.TransitionDelay, limit: c.ShardLimit, limited: c.ShardLimits,
		tail: t, shelf: newShelf(c.TailBytes / 4), catalog: newCatalog(c.Store),
		roster: newRoster(c.Store), closing: make(chan struct{}),
		control: make(chan struct{}, 1), doubts: store.NewDoubts(c.Store), changed: make(chan struct{}, 1),
		byName: make(map[Name]*live), byNumber: make(map[uint64]*live),
	}
	s.appender = &appender{blocks: c.Store, clock: c.Clock, tail: t, queueBytes: c.QueueBytes, doubted: s.doubtLog}
	ctx := context.Background()
	var err error
	if s.next, err = s.catalog.nextNumber(ctx); err != nil {
		return nil, fmt.Errorf("load streams: %w", err)
	}
	for l, err := range s.catalog.all(ctx) {
		if err != nil {
			return nil, fmt.Errorf("load streams: %w", err)
		}
		l.open(nil, false)
		s.publish(l)
	}
	if err := s.roster.table.load(ctx, s.roster.publish); err != nil {
		return nil, fmt.Errorf("load consumers: %w", err)
	}
	key, err := s.catalog.tokenKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("load token key: %w", err)
	}
	if s.sealer, err = newSealer(key); err != nil {
		return nil, fmt.Errorf("load token key: %w", err)
	}
	return s, nil
}

// Run moves streams from state to state, lets records expire, and scales on-demand streams. It returns nil when the context ends and all that it
// started has stopped.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { s.runTransitions(ctx) })
	running.Go(func() { s.runRetention(ctx) })
	running.Go(func() { s.runScaling(ctx) })
	running.Wait()
	return nil
}

// open gives the stream the logs of its shards: those that it had before, and new ones, of which fresh says that the
// store holds nothing.
func (l *live) open(before *live, fresh bool) {
	l.logs, l.routes = make([]*shardLog, len(l.stream.Shards)), nil
	for i, sh := range l.stream.Shards {
		if before != nil {
			l.logs[i] = before.shardLog(sh.Index)
		}
		if l.logs[i] == nil {
			l.logs[i] = openLog(ShardKey{l.stream.Number, sh.Index}, sh, fresh)
		}
		if sh.Open() {
			l.routes = append(l.routes, route{end: sh.Range.End, log: l.logs[i]})
		}
	}
	slices.SortFunc(l.routes, func(a, b route) int { return a.end.Compare(b.end) })
}

// shardLog returns the log of a shard, or nil when the stream has none of that index, or not any more.
func (l *live) shardLog(index uint32) *shardLog {
	if i, ok := searchShard(l.stream.Shards, index); ok && i < len(l.logs) {
		return l.logs[i]
	}
	return nil
}

// publish makes the stream known as it now is. Its logs know first how blocks are encrypted, so that a put to a stream
// that is seen to encrypt is encrypted.
func (s *Service) publish(l *live) {
	l.passCipher()
	if s.limited {
		l.limitShards()
	}
	if l.samples == nil {
		l.samples = s.recorder.Stream(l.stream.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byName[l.stream.Name], s.byNumber[l.stream.Number] = l, l
}

// passCipher tells the logs how blocks are encrypted, if they ever were.
func (l *live) passCipher() {
	if l.secret == nil {
		return
	}
	c := &blockCipher{secret: l.secret, on: l.stream.KeyID != ""}
	for _, log := range l.logs {
		if log != nil {
			log.cipher.Store(c)
		}
	}
}

// limitShards gives limits to the logs that have none yet.
func (l *live) limitShards() {
	for _, log := range l.logs {
		if log != nil && log.limits == nil {
			log.limits = new(throughput)
		}
	}
}

// forget removes the stream from memory.
func (s *Service) forget(l *live) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byName, l.stream.Name)
	delete(s.byNumber, l.stream.Number)
}

// Describe returns the stream as it is now, or NotFoundError. One that is being created or deleted is found.
func (s *Service) Describe(_ context.Context, name Name) (Stream, error) {
	l, ok := s.find(name)
	if !ok {
		return Stream{}, &NotFoundError{name}
	}
	return l.stream.kept(s.clock.Now()), nil
}

// Usable returns nil when records can be put to the stream and read, else NotFoundError.
func (s *Service) Usable(_ context.Context, name Name) error {
	_, _, err := s.writable(name)
	return err
}

// List returns the account's streams in the region whose names come after the given one, in order of their names, at
// most limit; and whether there are more.
func (s *Service) List(_ context.Context, account, region, after string, limit int) ([]Stream, bool, error) {
	var found []Stream
	s.mu.RLock()
	for name, l := range s.byName {
		if name.Account == account && name.Region == region && name.Name > after {
			found = append(found, l.stream)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(found, func(a, b Stream) int { return cmp.Compare(a.Name.Name, b.Name.Name) })
	if len(found) <= limit {
		return found, false, nil
	}
	return slices.Clip(found[:limit]), true, nil
}

// numbered returns a stream by its number.
func (s *Service) numbered(number uint64) (*live, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, ok := s.byNumber[number]
	return l, ok
}

func (s *Service) find(name Name) (*live, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, ok := s.byName[name]
	return l, ok
}

// writable returns a stream that takes records, and the way to its open shards.
func (s *Service) writable(name Name) (*Stream, []route, error) {
	l, ok := s.find(name)
	if !ok || !l.stream.Status.usable() {
		return nil, nil, &NotFoundError{name}
	}
	return &l.stream, l.routes, nil
}

// readable returns the log of a shard whose stream can be read.
func (s *Service) readable(key ShardKey) (*Stream, *shardLog, error) {
	s.mu.RLock()
	l, ok := s.byNumber[key.Stream]
	s.mu.RUnlock()
	if ok && l.stream.Status.usable() {
		if log := l.shardLog(key.Index); log != nil {
			return &l.stream, log, nil
		}
	}
	return nil, nil, fmt.Errorf("%s in stream %d: %w", ShardID(key.Index), key.Stream, ErrGone)
}
