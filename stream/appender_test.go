package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/store"
)

// gate holds appends until it is told to let one go.
type gate struct {
	at   chan struct{} // an append has come
	pass chan error    // lets it go, with that error
}

func (r *rig) gate() gate {
	g := gate{at: make(chan struct{}), pass: make(chan error)}
	r.hooks.set(func(store.LogID) error {
		g.at <- struct{}{}
		return <-g.pass
	}, nil)
	return g
}

// putLater puts in the background.
func (r *rig) putLater(ctx context.Context, name string, list []Entry) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		puts, err := r.Put(ctx, named(name), list)
		done <- outcome{puts, err}
	}()
	return done
}

type outcome struct {
	puts []Put
	err  error
}

func (o outcome) ok() bool {
	return o.err == nil && !slices.ContainsFunc(o.puts, func(p Put) bool { return p.Err != nil })
}

func TestPutsGatherWhileAnAppendIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 1)
		ctx := t.Context()
		g := r.gate()
		first := r.putLater(ctx, "s", entries("first-", 1))
		<-g.at
		var rest []<-chan outcome
		for i := range 5 {
			rest = append(rest, r.putLater(ctx, "s", entries(fmt.Sprint(i, "-"), 3)))
			synctest.Wait()
		}
		g.pass <- nil
		if o := <-first; !o.ok() {
			t.Fatal(o)
		}
		<-g.at // one append for all five
		g.pass <- nil
		for i, done := range rest {
			o := <-done
			if !o.ok() {
				t.Fatal(o)
			}
			for j := range 2 {
				a, b := o.puts[j].SequenceNumber.Origin().Position, o.puts[j+1].SequenceNumber.Origin().Position
				if b != a+1 {
					t.Errorf("put %d: entries at %x and %x are no neighbours", i, uint64(a), uint64(b))
				}
			}
		}
		r.hooks.set(nil, nil)
		found, _ := r.drain(ShardKey{st.Number, 0}, 0, 100)
		want := []string{"first-0"}
		for i := range 5 {
			want = append(want, fmt.Sprint(i, "-0"), fmt.Sprint(i, "-1"), fmt.Sprint(i, "-2"))
		}
		if !slices.Equal(texts(found), want) {
			t.Errorf("%v, want %v", texts(found), want)
		}
		if ordinals := found[len(found)-1].Position.ordinal() - found[0].Position.ordinal(); ordinals != 1 {
			t.Errorf("%d blocks", ordinals+1)
		}
		r.stop()
	})
}

func TestStoreErrorFailsTheEntriesOfItsBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, failure := range []error{errors.New("disk on fire"), store.ErrFull} {
			r := newRig(t, Config{})
			st := r.make("s", 1)
			ctx := t.Context()
			g := r.gate()
			first := r.putLater(ctx, "s", entries("first-", 2))
			<-g.at
			second := r.putLater(ctx, "s", entries("second-", 2))
			synctest.Wait()
			third := r.putLater(ctx, "s", entries("third-", 2))
			synctest.Wait()
			g.pass <- nil
			<-g.at
			fourth := r.putLater(ctx, "s", entries("fourth-", 2))
			synctest.Wait()
			g.pass <- failure
			<-g.at
			g.pass <- nil
			for name, c := range map[string]struct {
				done   <-chan outcome
				failed bool
			}{"first": {first, false}, "second": {second, true}, "third": {third, true}, "fourth": {fourth, false}} {
				o := <-c.done
				if o.err != nil {
					t.Fatal(o.err)
				}
				for _, p := range o.puts {
					if (p.Err != nil) != c.failed || c.failed && !errors.Is(p.Err, failure) {
						t.Errorf("%s: %v", name, p.Err)
					}
				}
			}
			r.hooks.set(nil, nil)
			found, _ := r.drain(ShardKey{st.Number, 0}, 0, 100)
			if got := texts(found); !slices.Equal(got, []string{"first-0", "first-1", "fourth-0", "fourth-1"}) {
				t.Error(got)
			}
			r.stop()
		}
	})
}

// TestAppendOfUnknownOutcome has the store say that an append failed that in truth happened.
func TestAppendOfUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 1)
		key := ShardKey{st.Number, 0}
		r.put("s", "k", "one")
		r.hooks.set(nil, func(store.LogID) error { return errors.New("timed out") })
		puts, err := r.Put(t.Context(), named("s"), entries("maybe-", 1))
		if err != nil || puts[0].Err == nil {
			t.Fatal(puts, err)
		}
		r.hooks.set(nil, nil)
		p := r.put("s", "k", "two")
		found, _ := r.drain(key, 0, 1)
		if got := texts(found); !slices.Equal(got, []string{"one", "maybe-0", "two"}) {
			t.Error(got)
		}
		if got := found[2].Position; got != p.SequenceNumber.Origin().Position {
			t.Errorf("position %x", uint64(got))
		}
		r.stop()
	})
}

func TestFullQueueIsAThroughputErrorPerEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{QueueBytes: 1000})
		st := r.make("s", 1)
		ctx := t.Context()
		g := r.gate()
		first := r.putLater(ctx, "s", entries("first-", 1))
		<-g.at
		large := func(n int) []Entry {
			list := make([]Entry, n)
			for i := range list {
				list[i] = Entry{Data: bytes.Repeat([]byte{'x'}, 300), PartitionKey: "k"}
			}
			return list
		}
		second := r.putLater(ctx, "s", large(5))
		synctest.Wait()
		third := <-r.putLater(ctx, "s", large(1)) // answered at once
		if third.err != nil || !errors.Is(third.puts[0].Err, ErrThroughput) {
			t.Errorf("third: %+v", third)
		}
		small := r.putLater(ctx, "s", entries("", 1)) // there is room for a small one
		synctest.Wait()
		g.pass <- nil
		<-g.at
		// The queue is empty again: one entry finds room however large it is.
		huge := r.putLater(ctx, "s", []Entry{{Data: make([]byte, 5000)}})
		synctest.Wait()
		g.pass <- nil
		<-g.at
		g.pass <- nil
		if o := <-first; !o.ok() {
			t.Error(o)
		}
		if o := <-small; !o.ok() {
			t.Error(o)
		}
		if o := <-huge; !o.ok() {
			t.Error(o)
		}
		o := <-second
		for i, p := range o.puts {
			if want := i >= 3; errors.Is(p.Err, ErrThroughput) != want || (p.Err != nil) != want {
				t.Errorf("second, entry %d: %v", i, p.Err)
			}
		}
		r.hooks.set(nil, nil)
		if found, _ := r.drain(ShardKey{st.Number, 0}, 0, 100); len(found) != 6 {
			t.Errorf("%d records", len(found))
		}
		r.stop()
	})
}

func TestCallerWhoseContextEndsBreaksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 1)
		g := r.gate()
		leader, stopLeader := context.WithCancel(t.Context())
		first := r.putLater(leader, "s", entries("leader-", 1))
		<-g.at
		next := r.putLater(leader, "s", entries("next-", 1)) // leads the next block
		synctest.Wait()
		waiter, stopWaiter := context.WithCancel(t.Context())
		second := r.putLater(waiter, "s", entries("withdrawn-", 2))
		synctest.Wait()
		third := r.putLater(t.Context(), "s", entries("third-", 1))
		synctest.Wait()
		stopWaiter()
		if o := <-second; !errors.Is(o.err, context.Canceled) {
			t.Errorf("withdrawn: %v", o)
		}
		stopLeader()
		synctest.Wait()
		g.pass <- nil
		<-g.at
		g.pass <- nil
		for _, led := range []<-chan outcome{first, next} { // their blocks were on the way when their context ended
			if o := <-led; !o.ok() {
				t.Error(o)
			}
		}
		if o := <-third; !o.ok() {
			t.Error(o)
		}
		r.hooks.set(nil, nil)
		found, _ := r.drain(ShardKey{st.Number, 0}, 0, 100)
		if got := texts(found); !slices.Equal(got, []string{"leader-0", "next-0", "third-0"}) {
			t.Error(got)
		}
		r.stop()
	})
}

func TestDeleteWaitsForTheAppendUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 1)
		g := r.gate()
		first := r.putLater(t.Context(), "s", entries("a", 1))
		<-g.at
		second := r.putLater(t.Context(), "s", entries("b", 1))
		synctest.Wait()
		if err := r.Delete(t.Context(), named("s")); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusDeleting) // and not gone: an append after the drop would leave a log behind
		g.pass <- nil
		<-first
		if o := <-second; !errors.As(o.err, new(*NotFoundError)) {
			t.Errorf("put queued at a stream that was deleted: %+v", o)
		}
		synctest.Wait()
		r.expect("s", "gone")
		bounds, err := r.hooks.Bounds(t.Context(), store.LogID{Stream: st.Number})
		if err != nil || bounds.Last != 0 {
			t.Errorf("the log is still there: %+v, %v", bounds, err)
		}
		r.stop()
	})
}

func TestArrivalNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 1)
		key := ShardKey{st.Number, 0}
		r.put("s", "k", "a")
		clock.swing(-time.Hour) // before the shard's creation, too
		r.put("s", "k", "b")
		r.restart()
		r.put("s", "k", "c")
		clock.swing(2 * time.Hour)
		r.put("s", "k", "d")
		found, _ := r.drain(key, 0, 10)
		for i := 1; i < len(found); i++ {
			if found[i].Arrival.Before(found[i-1].Arrival) {
				t.Errorf("%s arrived at %s, before %s", found[i].Data, found[i].Arrival, found[i-1].Arrival)
			}
		}
		if found[0].Arrival.Before(st.Created) || len(found) != 4 {
			t.Errorf("%d records, the first at %s", len(found), found[0].Arrival)
		}
		r.stop()
	})
}

func TestBlocksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{QueueBytes: 1 << 30})
		st := r.make("s", 1)
		g := r.gate()
		first := r.putLater(t.Context(), "s", entries("a", 1))
		<-g.at
		var rest []<-chan outcome
		for range 8 { // 8 times 3 MiB: two fit a block of 8 MiB
			rest = append(rest, r.putLater(t.Context(), "s", []Entry{
				{Data: make([]byte, 1<<20)}, {Data: make([]byte, 1<<20)}, {Data: make([]byte, 1<<20)},
			}))
		}
		synctest.Wait()
		g.pass <- nil
		for range 4 {
			<-g.at
			g.pass <- nil
		}
		for _, done := range append(rest, first) {
			if o := <-done; !o.ok() {
				t.Error(o.err)
			}
		}
		r.hooks.set(nil, nil)
		found, _ := r.drain(ShardKey{st.Number, 0}, 0, 100)
		if len(found) != 25 || found[24].Position.ordinal()-found[0].Position.ordinal() != 4 {
			t.Errorf("%d records", len(found))
		}
		r.stop()
	})
}

func TestPutLimits(t *testing.T) {
	r := newRig(t, Config{})
	r.make("s", 2)
	ctx := t.Context()
	if err := r.Create(ctx, named("big"), CreateOptions{ShardCount: 1, MaxRecordBytes: MaxRecordBytes}); err != nil {
		t.Fatal(err)
	}
	r.await("big", StatusActive)
	if _, err := r.Put(ctx, named("s"), nil); !errors.Is(err, ErrPut) {
		t.Error(err)
	}
	if _, err := r.Put(ctx, named("s"), make([]Entry, MaxPutEntries+1)); !errors.Is(err, ErrPut) {
		t.Error(err)
	}
	sized := func(n int) []Entry {
		return []Entry{{PartitionKey: "ok"}, {Data: make([]byte, n-1), PartitionKey: "k"}}
	}
	if _, err := r.Put(ctx, named("s"), sized(1<<20)); err != nil {
		t.Error(err)
	}
	_, err := r.Put(ctx, named("s"), sized(1<<20+1))
	if e, ok := errors.AsType[*RecordSizeError](err); !ok || e.Entry != 1 || e.Limit != 1<<20 {
		t.Error(err)
	}
	if _, err := r.Put(ctx, named("big"), sized(10<<20-2)); err != nil {
		t.Error(err)
	}
	_, err = r.Put(ctx, named("big"), sized(10<<20))
	if e, ok := errors.AsType[*PutSizeError](err); !ok || e.Limit != 10<<20 {
		t.Error(err)
	}
	if _, err := r.Put(ctx, named("none"), sized(5)); !errors.As(err, new(*NotFoundError)) {
		t.Error(err)
	}
}

// TestConcurrentPutsAndReaders has readers at the tip follow many writers: numbers appear in order, none is passed
// over, nothing is lost and nothing is there twice.
func TestConcurrentPutsAndReaders(t *testing.T) {
	const writers, rounds, shards = 16, 60, 3
	r := newRig(t, Config{TailBytes: 1 << 20})
	st := r.make("s", shards)
	ctx := t.Context()
	var acknowledged sync.Map // text to sequence number
	var left atomic.Int64
	left.Store(writers)
	var group sync.WaitGroup
	stopped := make(chan struct{})
	for w := range writers {
		group.Go(func() {
			for i := range rounds {
				list := entries(fmt.Sprint(w, ".", i, "."), 1+(w*i)%7)
				puts, err := r.Put(ctx, named("s"), list)
				if err != nil {
					t.Errorf("put: %v", err)
					break
				}
				for j, p := range puts {
					if p.Err != nil {
						t.Errorf("put: %v", p.Err)
					}
					acknowledged.Store(string(list[j].Data), fmt.Sprint(p.Shard, " ", p.SequenceNumber))
				}
			}
			if left.Add(-1) == 0 {
				close(stopped)
			}
		})
	}
	seen := make([]map[string]string, 2*shards)
	for reader := range seen {
		seen[reader] = make(map[string]string)
		group.Go(func() { follow(t, r, ShardKey{st.Number, uint32(reader % shards)}, stopped, seen[reader]) })
	}
	group.Wait()
	for reader := range seen {
		acknowledged.Range(func(text, number any) bool {
			if number.(string)[0] == byte('0'+reader%shards) && seen[reader][text.(string)] != number {
				t.Errorf("reader %d saw %q as %q, acknowledged as %q", reader, text, seen[reader][text.(string)], number)
			}
			return !t.Failed()
		})
	}
}

// follow reads a shard at its tip until the writers have stopped and all is read.
func follow(t *testing.T, r *rig, key ShardKey, stopped <-chan struct{}, seen map[string]string) {
	st, _ := r.Describe(t.Context(), named("s"))
	sh, _ := st.Shard(key.Index)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-stopped
		cancel()
	}()
	var after Position
	last := sh.Start()
	for final := false; ; {
		b, err := r.Read(t.Context(), key, after, 7, MaxReadBytes)
		if err != nil {
			t.Errorf("read: %v", err)
			return
		}
		for _, rec := range b.Records {
			n := sh.SequenceNumber(rec.Position, rec.Arrival)
			if n.Compare(last) <= 0 {
				t.Errorf("%s after %s", n, last)
			}
			last = n
			if _, ok := seen[string(rec.Data)]; ok {
				t.Errorf("%q twice", rec.Data)
			}
			seen[string(rec.Data)] = fmt.Sprint(key.Index, " ", n)
		}
		if after = b.Next; len(b.Records) > 0 {
			continue
		}
		if final {
			return
		}
		if err := r.Wait(ctx, key, after); errors.Is(err, context.Canceled) {
			final = true
		} else if err != nil {
			t.Errorf("wait: %v", err)
		}
	}
}
