package bucket

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
	tableBuckets = "buckets"        // by name
	tableObjects = "bucket-objects" // by the bucket's number and the key
	tableUploads = "bucket-uploads" // by the bucket's number and the upload's id
	tableParts   = "bucket-parts"   // by the upload's id and the part's number
	tableGarbage = "bucket-garbage" // by the blob's id
)

// Bounds and defaults.
const (
	// MaxKeyBytes is the length of the longest key.
	MaxKeyBytes = 1024
	// MaxObjectBytes is the size of the largest object: what AWS takes in a single put.
	MaxObjectBytes = 5 << 30

	maxBuckets     = 1000 // of an account
	defaultWriters = 64
	ownWriters     = 8 // of what is in memory already
	chunkBytes     = 4 << 20
)

// Store is what the room needs of storage.
type Store interface {
	store.Tables
	store.Blobs
}

// Config is what a Service is made of. Store and Clock are required.
type Config struct {
	Store Store
	Clock clockwork.Clock
	Log   *slog.Logger // default: discards
	// Writers bounds the objects and parts that are written at the same time, each of which holds up to 8 MiB of memory;
	// default 64.
	Writers int
}

// Service keeps the buckets of all accounts. All methods may be called at the same time.
type Service struct {
	store   Store
	clock   clockwork.Clock
	log     *slog.Logger
	buckets store.Collection[bucketRow]
	objects store.Collection[objectRow]
	uploads store.Collection[uploadRow]
	parts   store.Collection[partRow]
	garbage store.Collection[garbageRow]
	writers chan struct{} // has an element for each write under way
	own     chan struct{} // the same for those of the house's own
	swept   chan struct{} // has an element when there may be garbage
	doubts  *store.Doubts

	mu      sync.Mutex
	known   map[string]*entry   // by the bucket's name
	writing map[string]struct{} // blobs of writes under way, in hex
	doubted map[string]struct{} // blobs of writes in doubt
	reading map[string]int      // readers by the version of the object
}

// entry is a bucket in memory.
type entry struct {
	Bucket
	number string // names its rows; never used again

	// Guarded by the service's mutex.

	changing int  // commits to its objects under way
	deleting bool // being deleted, or in doubt whether it was: nothing may be committed
}

// New reads the buckets. It starts nothing.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil {
		return nil, errors.New("bucket: Store and Clock are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Writers <= 0 {
		c.Writers = defaultWriters
	}
	s := &Service{
		store: c.Store, clock: c.Clock, log: c.Log,
		buckets: store.NewCollection[bucketRow](c.Store, tableBuckets),
		objects: store.NewCollection[objectRow](c.Store, tableObjects),
		uploads: store.NewCollection[uploadRow](c.Store, tableUploads),
		parts:   store.NewCollection[partRow](c.Store, tableParts),
		garbage: store.NewCollection[garbageRow](c.Store, tableGarbage),
		writers: make(chan struct{}, c.Writers),
		own:     make(chan struct{}, ownWriters),
		swept:   make(chan struct{}, 1),
		doubts:  store.NewDoubts(c.Store),
		known:   map[string]*entry{}, writing: map[string]struct{}{}, doubted: map[string]struct{}{}, reading: map[string]int{},
	}
	for item, err := range s.buckets.Scan(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read buckets: %w", err)
		}
		s.known[item.Key] = item.Value.entry(item.Key)
	}
	return s, nil
}

// Run removes what belongs to no object, and finds out what became of commits in doubt, until ctx ends. Then it returns nil.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { s.doubts.Keep(ctx, s.clock, s.log) })
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("removing what belongs to no object failed; it is tried again with the next deletion", "error", err)
		}
		select {
		case <-s.swept:
		case <-ctx.Done():
			return nil
		}
	}
}

// now is the time as it is stored and shown: in UTC, to the second.
func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// find returns the account's bucket.
func (s *Service) find(account, name string) (*entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.known[name]
	switch {
	case e == nil:
		return nil, ErrBucketNotFound
	case e.Account != account:
		return nil, ErrForbidden
	}
	return e, nil
}

// change admits a commit to the objects of a bucket, which must not be deleted meanwhile. The caller calls done.
func (s *Service) change(ctx context.Context, e *entry) (done func(), err error) {
	if err := s.certain(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.known[e.Name] != e:
		return nil, ErrBucketNotFound
	case e.deleting:
		return nil, ErrConflict
	}
	e.changing++
	return func() {
		s.mu.Lock()
		e.changing--
		s.mu.Unlock()
	}, nil
}
