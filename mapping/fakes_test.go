package mapping

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// fakeTables is a store in memory. What it commits takes a time, and a crash in that time may or may not lose it.
type fakeTables struct {
	mu       sync.Mutex
	entries  map[string]map[string]store.Entry
	revision uint64
	onCommit func(writes []store.Write) // called with every commit, under the mutex
}

func newFakeTables() *fakeTables {
	return &fakeTables{entries: map[string]map[string]store.Entry{}}
}

func (t *fakeTables) Get(_ context.Context, table, key string) (store.Entry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.entries[table][key]
	if !ok {
		return store.Entry{}, store.ErrNotFound
	}
	return e, nil
}

func (t *fakeTables) Scan(_ context.Context, table, from, to string) iter.Seq2[store.Entry, error] {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []store.Entry
	for _, key := range slices.Sorted(maps.Keys(t.entries[table])) {
		if key >= from && (to == "" || key < to) {
			found = append(found, t.entries[table][key])
		}
	}
	return func(yield func(store.Entry, error) bool) {
		for _, e := range found {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (t *fakeTables) Commit(_ context.Context, writes ...store.Write) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range writes {
		e, ok := t.entries[w.Table][w.Key]
		if w.IfRevision == store.Absent && ok || w.IfRevision != 0 && w.IfRevision != store.Absent && e.Revision != w.IfRevision {
			return store.ErrConflict
		}
	}
	for _, w := range writes {
		t.revision++
		if t.entries[w.Table] == nil {
			t.entries[w.Table] = map[string]store.Entry{}
		}
		if w.Delete {
			delete(t.entries[w.Table], w.Key)
			continue
		}
		t.entries[w.Table][w.Key] = store.Entry{Key: w.Key, Value: slices.Clone(w.Value), Revision: t.revision}
	}
	if t.onCommit != nil {
		t.onCommit(writes)
	}
	return nil
}

// session is what one run of the program sees of the tables. After its crash nothing it asks for happens any more; of
// what was being committed at that moment, chance says whether it is durable.
type session struct {
	*fakeTables
	clock   clockwork.Clock
	latency time.Duration
	dead    chan struct{}
	survive func() bool
	fails   func() bool // whether a commit fails for a passing reason; nil for never
}

func (s *session) Commit(ctx context.Context, writes ...store.Write) error {
	select {
	case <-s.dead:
		return store.ErrClosed
	default:
	}
	if s.fails != nil && s.fails() {
		return store.ErrFull
	}
	if s.latency == 0 {
		return s.fakeTables.Commit(ctx, writes...)
	}
	select {
	case <-s.clock.After(s.latency):
		return s.fakeTables.Commit(ctx, writes...)
	case <-s.dead:
		if s.survive() {
			_ = s.fakeTables.Commit(ctx, writes...)
		}
		return store.ErrClosed
	}
}

// fakeSource is some streams in memory.
type fakeSource struct {
	clock clockwork.Clock

	mu      sync.Mutex
	streams map[stream.Name]*fakeStream
	numbers uint64
	fails   int // how many of the next reads fail

	consumers  map[stream.ConsumerID]*fakeConsumer
	subscribed int // how many calls of Subscribe there were
	closing    bool

	polls, throttled int // reads of the polled source, and how many of the next it refuses
}

type fakeStream struct {
	stream.Stream
	shards []*fakeShard
}

type fakeShard struct {
	records []stream.Record
	trimmed stream.Position
	changed chan struct{} // closed when there is something new, or nothing will be
}

func newFakeSource(clock clockwork.Clock) *fakeSource {
	return &fakeSource{clock: clock, streams: map[stream.Name]*fakeStream{}, consumers: map[stream.ConsumerID]*fakeConsumer{}}
}

func (f *fakeSource) create(name stream.Name, shards int, retention time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.numbers++
	st := &fakeStream{Stream: stream.Stream{
		Name: name, Number: f.numbers, Status: stream.StatusActive, Created: f.clock.Now(), Retention: retention,
	}}
	f.streams[name] = st
	for range shards {
		st.add(f.clock.Now(), stream.NoParent, stream.NoParent)
	}
}

func (st *fakeStream) add(now time.Time, parent, adjacent int64) uint32 {
	index := uint32(len(st.shards))
	st.Shards = append(slices.Clone(st.Shards), stream.Shard{Index: index, Range: wholeRange, Parent: parent, AdjacentParent: adjacent, Created: now.Truncate(time.Second)})
	st.shards = append(st.shards, &fakeShard{changed: make(chan struct{})})
	return index
}

// wholeRange is the range of each shard: keys say nothing about where a test puts a record.
var wholeRange = stream.HashRange{End: stream.Hash(bytes.Repeat([]byte{0xff}, len(stream.Hash{})))}

// reshard closes shards and opens children of them: two of one, or one of two.
func (f *fakeSource) reshard(name stream.Name, parents ...int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.streams[name]
	now := f.clock.Now()
	st.Shards = slices.Clone(st.Shards)
	for _, p := range parents {
		st.Shards[p].Closed = now
	}
	if len(parents) == 2 {
		st.add(now, parents[0], parents[1])
	} else {
		st.add(now, parents[0], stream.NoParent)
		st.add(now, parents[0], stream.NoParent)
	}
	for _, p := range parents {
		st.shards[p].wake()
	}
}

func (f *fakeSource) delete(name stream.Name) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.streams[name]
	delete(f.streams, name)
	for _, sh := range st.shards {
		sh.wake()
	}
}

func (sh *fakeShard) wake() {
	close(sh.changed)
	sh.changed = make(chan struct{})
}

func (f *fakeSource) put(name stream.Name, shard int, records ...stream.Record) []stream.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	sh := f.streams[name].shards[shard]
	for i := range records {
		records[i].Position = stream.Position(len(sh.records)+1) << 16
		sh.records = append(sh.records, records[i])
	}
	sh.wake()
	return records
}

// trim drops a shard's records up to a position.
func (f *fakeSource) trim(name stream.Name, shard int, to stream.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.streams[name].shards[shard].trimmed = to
}

func (f *fakeSource) setFails(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = n
}

func (f *fakeSource) Describe(_ context.Context, name stream.Name) (stream.Stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.streams[name]
	if st == nil {
		return stream.Stream{}, &stream.NotFoundError{Name: name}
	}
	return st.Stream, nil
}

// find returns the shard, or nils when it is gone; the caller holds the mutex.
func (f *fakeSource) find(key stream.ShardKey) (*fakeStream, *fakeShard) {
	for _, st := range f.streams {
		if st.Number == key.Stream && int(key.Index) < len(st.shards) {
			return st, st.shards[key.Index]
		}
	}
	return nil, nil
}

func (f *fakeSource) Seek(_ context.Context, key stream.ShardKey, start stream.Start) (stream.Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, sh := f.find(key)
	if sh == nil {
		return 0, stream.ErrGone
	}
	tip := stream.Position(0)
	for i := range sh.records {
		if start.Type == stream.AtTimestamp && !sh.records[i].Arrival.Before(start.Timestamp) {
			return tip, nil
		}
		tip = sh.records[i].Position
	}
	if start.Type == stream.TrimHorizon {
		return 0, nil
	}
	return tip, nil
}

var errReadFailed = errors.New("read failed")

func (f *fakeSource) Read(_ context.Context, key stream.ShardKey, after stream.Position, maxRecords, maxBytes int) (stream.Batch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st, sh := f.find(key)
	if sh == nil {
		return stream.Batch{}, stream.ErrGone
	}
	if f.fails > 0 {
		f.fails--
		return stream.Batch{}, errReadFailed
	}
	after = max(after, sh.trimmed)
	from := min(int(after>>16), len(sh.records))
	b := stream.Batch{Next: after}
	for _, r := range sh.records[from:] {
		size := len(r.Data) + len(r.PartitionKey)
		if len(b.Records) == maxRecords || len(b.Records) > 0 && size > maxBytes {
			return b, nil
		}
		maxBytes -= size
		b.Records = append(b.Records, r)
		b.Next = r.Position
	}
	b.End = !st.Shards[key.Index].Open()
	return b, nil
}

func (f *fakeSource) Wait(ctx context.Context, key stream.ShardKey, after stream.Position) error {
	for {
		f.mu.Lock()
		st, sh := f.find(key)
		if sh == nil || !st.Shards[key.Index].Open() || len(sh.records) > int(after>>16) {
			f.mu.Unlock()
			return nil
		}
		changed := sh.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
