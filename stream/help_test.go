package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

const (
	testAccount = "123456789012"
	testRegion  = "eu-west-1"
)

func named(name string) Name { return Name{testAccount, testRegion, name} }

// hooks is a store whose appends a test can hold up or fail.
type hooks struct {
	*disk.Store
	mu sync.Mutex
	// append, if not nil, is asked when the store has turned to a block, which is filled by then; its error is the
	// append's. One block of a log is at that point, and those behind it are not filled yet.
	append func(log store.LogID) error
	turns  map[store.LogID]chan struct{}
	// after, if not nil, is asked after each append; its error takes the place of the ordinal, though the block is there.
	after func(log store.LogID) error
	// commit, if not nil, makes a commit in place of the store, which it is given.
	commit func(next func() error) error
	// spoil, if not nil, may change a block that is read, which is its own.
	spoil atomic.Pointer[func(data []byte)]
	// blind makes tables unreadable.
	blind atomic.Bool
	// reads counts the blocks that were read.
	reads atomic.Int64
}

func (h *hooks) ReadBlocks(ctx context.Context, log store.LogID, from uint64) iter.Seq2[store.Block, error] {
	return func(yield func(store.Block, error) bool) {
		for b, err := range h.Store.ReadBlocks(ctx, log, from) {
			h.reads.Add(1)
			if spoil := h.spoil.Load(); err == nil && spoil != nil {
				b.Data = bytes.Clone(b.Data)
				(*spoil)(b.Data)
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

func (h *hooks) set(before func(store.LogID) error, after func(store.LogID) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.append, h.after = before, after
}

// commits has commits go through f; nil ends that.
func (h *hooks) commits(f func(next func() error) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commit = f
}

func (h *hooks) Commit(ctx context.Context, writes ...store.Write) error {
	h.mu.Lock()
	f := h.commit
	h.mu.Unlock()
	next := func() error { return h.Store.Commit(ctx, writes...) }
	if f == nil {
		return next()
	}
	return f(next)
}

func (h *hooks) Get(ctx context.Context, table, key string) (store.Entry, error) {
	if h.blind.Load() {
		return store.Entry{}, errors.New("cannot see")
	}
	return h.Store.Get(ctx, table, key)
}

func (h *hooks) Append(ctx context.Context, log store.LogID, draft store.Draft) (ordinal uint64, err error) {
	h.mu.Lock()
	before, after := h.append, h.after
	h.mu.Unlock()
	if before == nil {
		ordinal, err = h.Store.Append(ctx, log, draft)
	} else {
		ordinal, err = h.inTurn(ctx, log, draft, before)
	}
	if err == nil && after != nil {
		err = after(log)
	}
	return ordinal, err
}

func (h *hooks) inTurn(ctx context.Context, log store.LogID, draft store.Draft, before func(store.LogID) error) (uint64, error) {
	h.mu.Lock()
	if h.turns[log] == nil {
		if h.turns == nil {
			h.turns = make(map[store.LogID]chan struct{})
		}
		h.turns[log] = make(chan struct{}, 1)
	}
	turn := h.turns[log]
	h.mu.Unlock()
	turn <- struct{}{}
	defer func() { <-turn }()
	data, err := draft.Fill()
	if err != nil {
		return 0, err
	}
	if err := before(log); err != nil {
		return 0, err
	}
	return h.Store.Append(ctx, log, store.Data(data))
}

// rig is a service over a store in memory, which can be restarted.
type rig struct {
	*Service
	t      testing.TB
	fs     vfs.FS
	hooks  *hooks
	config Config
	stop   func()
}

// newRig starts a service; the configuration's store, clock and log may be left out.
func newRig(t testing.TB, c Config) *rig {
	t.Helper()
	return newRigOn(t, vfs.NewMem(), c)
}

// newRigOn is newRig over the given files.
func newRigOn(t testing.TB, fs vfs.FS, c Config) *rig {
	t.Helper()
	r := &rig{t: t, fs: fs, config: c}
	if r.config.Clock == nil {
		r.config.Clock = clockwork.NewRealClock()
	}
	if r.config.Log == nil {
		r.config.Log = slog.New(slog.DiscardHandler)
	}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *rig) start() {
	r.t.Helper()
	s, err := disk.Open(disk.Options{Memory: true, FS: r.fs, Log: r.config.Log})
	if err != nil {
		r.t.Fatal(err)
	}
	r.hooks = &hooks{Store: s}
	r.config.Store = r.hooks
	if r.Service, err = New(r.config); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func(s *Service) {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			r.t.Errorf("run: %v", err)
		}
	}(r.Service)
	r.stop = func() {
		cancel()
		<-done
		if err := s.Close(); err != nil {
			r.t.Errorf("close: %v", err)
		}
		r.stop = func() {}
	}
}

// restart ends the service and its store and starts them again over the same files.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

// make creates a stream and waits until it is ACTIVE.
func (r *rig) make(name string, shards int) Stream {
	r.t.Helper()
	if err := r.Create(context.Background(), named(name), CreateOptions{ShardCount: shards}); err != nil {
		r.t.Fatal(err)
	}
	return r.await(name, StatusActive)
}

// await waits until a stream has the status. Without a delay of transitions that is but a moment.
func (r *rig) await(name string, want Status) Stream {
	r.t.Helper()
	for range 10_000 {
		st, err := r.Describe(context.Background(), named(name))
		if err == nil && st.Status == want {
			return st
		}
		<-r.clock.After(time.Millisecond)
	}
	r.t.Fatalf("stream %s does not become %s", name, want)
	return Stream{}
}

// put stores one record and fails the test if that fails.
func (r *rig) put(name, key, data string) Put {
	r.t.Helper()
	puts, err := r.Put(context.Background(), named(name), []Entry{{Data: []byte(data), PartitionKey: key}})
	if err != nil {
		r.t.Fatal(err)
	}
	if puts[0].Err != nil {
		r.t.Fatal(puts[0].Err)
	}
	return puts[0]
}

// drain reads all after the cursor, some records at a time.
func (r *rig) drain(key ShardKey, after Position, records int) (found []Record, next Position) {
	r.t.Helper()
	for {
		b, err := r.Read(context.Background(), key, after, records, MaxReadBytes)
		if err != nil {
			r.t.Fatal(err)
		}
		found = append(found, b.Records...)
		after = b.Next
		if len(b.Records) == 0 {
			return found, after
		}
	}
}

func texts(records []Record) (all []string) {
	for _, r := range records {
		all = append(all, string(r.Data))
	}
	return all
}

func entries(prefix string, n int) []Entry {
	list := make([]Entry, n)
	for i := range list {
		list[i] = Entry{Data: fmt.Appendf(nil, "%s%d", prefix, i), PartitionKey: fmt.Sprint("key", i)}
	}
	return list
}
