package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/store"
)

func TestReadersAtTheTipNeedNoStore(t *testing.T) {
	r := newRig(t, Config{})
	st := r.make("s", 1)
	key := ShardKey{st.Number, 0}
	for i := range 20 {
		r.put("s", "k", fmt.Sprint(i))
	}
	before := r.hooks.reads.Load()
	a, _ := r.drain(key, 0, 3)
	b, _ := r.drain(key, a[9].Position, 100)
	if len(a) != 20 || len(b) != 10 {
		t.Fatalf("%d and %d records", len(a), len(b))
	}
	if &a[10].Data[0] != &b[0].Data[0] {
		t.Error("two readers have copies of their own")
	}
	if n := r.hooks.reads.Load() - before; n != 0 {
		t.Errorf("%d blocks were read from the store", n)
	}
}

func TestCatchingUpPushesNothingOutOfTheTail(t *testing.T) {
	r := newRig(t, Config{TailBytes: 40_000})
	st := r.make("s", 2)
	half := st.Shards[1].Range.Start
	put := func(hash Hash, n int) {
		t.Helper()
		for range n {
			puts, err := r.Put(t.Context(), st.Name, []Entry{{Data: make([]byte, 1000), ExplicitHashKey: &hash}})
			if err != nil || puts[0].Err != nil {
				t.Fatal(puts, err)
			}
		}
	}
	put(Hash{}, 100)
	put(half, 10)
	old, tip := ShardKey{st.Number, 0}, ShardKey{st.Number, 1}
	before := r.hooks.reads.Load()
	if found, _ := r.drain(old, 0, 10); len(found) != 100 {
		t.Fatalf("%d records", len(found))
	}
	if n := r.hooks.reads.Load() - before; n < 70 {
		t.Errorf("only %d blocks came from the store", n)
	}
	before = r.hooks.reads.Load()
	if found, _ := r.drain(tip, 0, 10); len(found) != 10 {
		t.Fatalf("%d records", len(found))
	}
	if n := r.hooks.reads.Load() - before; n != 0 {
		t.Errorf("%d blocks were read from the store: the tail was pushed out", n)
	}
	if r.tail.bytes > r.tail.budget {
		t.Errorf("tail of %d bytes", r.tail.bytes)
	}
	// The budget is one for all: the newest blocks stay, whosever they are.
	put(half, 100)
	if r.tail.bytes > r.tail.budget || len(r.tail.runs) != 1 || r.tail.order.Len() != len(r.tail.runs[tip].blocks) {
		t.Errorf("tail of %d bytes, %d runs, %d blocks", r.tail.bytes, len(r.tail.runs), r.tail.order.Len())
	}
}

func TestLargeBlockIsReadOnceBySmallSteps(t *testing.T) {
	r := newRig(t, Config{TailBytes: 400_000})
	st := r.make("s", 1)
	if _, err := r.Put(t.Context(), st.Name, entries("x", 500)); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if found, _ := r.drain(ShardKey{st.Number, 0}, 0, 7); len(found) != 500 {
		t.Fatalf("%d records", len(found))
	}
	// The first read of the log's end, one by the sweep perhaps, and one by the reader.
	if n := r.hooks.reads.Load(); n > 4 {
		t.Errorf("the block was read %d times", n)
	}
}

func TestReadBounds(t *testing.T) {
	r := newRig(t, Config{})
	st := r.make("s", 1)
	key := ShardKey{st.Number, 0}
	for range 5 {
		if _, err := r.Put(t.Context(), st.Name, []Entry{{Data: make([]byte, 99), PartitionKey: "k"}, {Data: make([]byte, 299), PartitionKey: "k"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ records, bytes, want int }{
		{1, 1 << 20, 1}, {3, 1 << 20, 3}, {100, 1 << 20, 10}, {100, 399, 1}, {100, 400, 2}, {100, 899, 4}, {100, 900, 5}, {100, 1, 1}, {100, 0, 1}, {0, 0, 1},
	} {
		b, err := r.Read(t.Context(), key, 0, c.records, c.bytes)
		if err != nil || len(b.Records) != c.want {
			t.Errorf("%d records, %d bytes: %d records, %v", c.records, c.bytes, len(b.Records), err)
		}
	}
	if _, err := r.Read(t.Context(), ShardKey{st.Number, 1}, 0, 1, 1); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if _, err := r.Read(t.Context(), ShardKey{999, 0}, 0, 1, 1); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

func TestCorruptBlockIsNamed(t *testing.T) {
	r := newRig(t, Config{})
	st := r.make("s", 1)
	r.put("s", "k", "good")
	p := r.put("s", "k", "bad")
	r.restart()
	key := ShardKey{st.Number, 0}
	if _, err := r.Read(t.Context(), key, 0, 1, 1); err != nil { // so that the log's end is known
		t.Fatal(err)
	}
	spoil := func(data []byte) {
		if i := bytes.Index(data, []byte("bad")); i >= 0 {
			data[i] ^= 0x20
		}
	}
	r.hooks.spoil.Store(&spoil)
	b, err := r.Read(t.Context(), key, 0, 1, MaxReadBytes)
	if err != nil || len(b.Records) != 1 {
		t.Fatalf("what is before it can be read: %v", err)
	}
	_, err = r.Read(t.Context(), key, b.Next, 10, MaxReadBytes)
	want := fmt.Sprintf("block %d of shardId-000000000000 in stream %d", p.SequenceNumber.Origin().Position.ordinal(), st.Number)
	if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not name %s", err, want)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 1)
		key := ShardKey{st.Number, 0}
		tip, err := r.Seek(t.Context(), key, Start{Type: Latest})
		if err != nil {
			t.Fatal(err)
		}
		waits := make(chan error, 3)
		for range 2 {
			go func() { waits <- r.Wait(t.Context(), key, tip) }()
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { waits <- r.Wait(ctx, key, tip) }()
		synctest.Wait()
		cancel()
		if err := <-waits; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		began := r.clock.Now()
		r.put("s", "k", "x")
		for range 2 {
			if err := <-waits; err != nil {
				t.Error(err)
			}
		}
		if waited := r.clock.Now().Sub(began); waited != 0 {
			t.Errorf("woken after %s: by a timer?", waited)
		}
		if err := r.Wait(t.Context(), key, tip); err != nil {
			t.Error(err)
		}
		r.stop()
	})
}

// TestReadStopsAtWhatWasPublished has a block in the store of which the appender does not know yet.
func TestReadStopsAtWhatWasPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TailBytes: 1})
		st := r.make("s", 1)
		key := ShardKey{st.Number, 0}
		r.put("s", "k", "first")
		pass := make(chan struct{})
		r.hooks.set(nil, func(store.LogID) error { <-pass; return nil })
		done := r.putLater(t.Context(), "s", entries("second", 1))
		synctest.Wait()
		found, next := r.drain(key, 0, 10)
		if got := texts(found); !slices.Equal(got, []string{"first"}) {
			t.Error(got)
		}
		close(pass)
		<-done
		if found, _ := r.drain(key, next, 10); len(found) != 1 {
			t.Errorf("then %v", texts(found))
		}
		r.stop()
	})
}

func TestClosedShardEnds(t *testing.T) {
	r := newRig(t, Config{})
	st := r.make("s", 1)
	p := r.put("s", "k", "last")
	// A shard is closed by a reshard, which is not there yet: close it in the store.
	r.close(st.Name, 0)
	key := ShardKey{st.Number, 0}
	ctx := t.Context()
	b, err := r.Read(ctx, key, 0, 10, MaxReadBytes)
	if err != nil || len(b.Records) != 1 || !b.End {
		t.Fatalf("%+v, %v", b, err)
	}
	if err := r.Wait(ctx, key, b.Next); err != nil {
		t.Errorf("wait at the end: %v", err)
	}
	after, _ := r.Describe(ctx, st.Name)
	for _, start := range []Start{
		{Type: AtSequenceNumber, SequenceNumber: after.Shards[0].End()}, {Type: AfterSequenceNumber, SequenceNumber: p.SequenceNumber}, {Type: Latest},
	} {
		it, err := r.NewIterator(ctx, st.Name, 0, start)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.GetRecords(ctx, testAccount, testRegion, it, 0)
		if err != nil || len(page.Records) != 0 || page.Iterator != "" || len(page.Children) != 1 || page.Children[0].Index != 1 {
			t.Errorf("%s: %+v, %v", start.Type, page, err)
		}
	}
	it, _ := r.NewIterator(ctx, st.Name, 0, Start{Type: TrimHorizon})
	page, err := r.GetRecords(ctx, testAccount, testRegion, it, 0)
	if err != nil || len(page.Records) != 1 || page.Iterator == "" || page.Children != nil {
		t.Errorf("%+v, %v", page, err)
	}
	// It vanishes with its last record.
	if got := len(after.kept(after.Shards[0].Closed.Add(after.Retention)).Shards); got != 2 {
		t.Errorf("%d shards", got)
	}
	if got := after.kept(after.Shards[0].Closed.Add(after.Retention + time.Second)).Shards; len(got) != 1 || got[0].Index != 1 {
		t.Errorf("%v", got)
	}
}

// close closes a shard in the store and gives it a child, as a reshard would.
func (r *rig) close(name Name, index uint32) {
	r.t.Helper()
	l, ok := r.find(name)
	if !ok {
		r.t.Fatal("no stream")
	}
	closed := *l
	closed.stream.Shards = slices.Clone(l.stream.Shards)
	sh := &closed.stream.Shards[index]
	sh.Closed = r.clock.Now().UTC().Truncate(time.Second)
	child := Shard{Index: uint32(len(closed.stream.Shards)), Range: sh.Range, Parent: int64(index), AdjacentParent: NoParent, Created: sh.Closed.Add(time.Second)}
	closed.stream.Shards = append(closed.stream.Shards, child)
	if err := r.catalog.update(context.Background(), &closed); err != nil {
		r.t.Fatal(err)
	}
	r.restart()
}
