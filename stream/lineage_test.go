package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/store"
)

// follower reads a stream as client libraries do: shards from their start, children when their parents are done. It
// checks that the records of a key come in order, each once.
type follower struct {
	t      testing.TB
	number uint64
	began  map[uint32]Position // shards that are being read, by index, and how far
	done   map[uint32]bool
	last   map[string]int // number of the last record of a key
	count  int
}

func trace(t testing.TB, st Stream, from []Shard) *follower {
	f := &follower{t: t, number: st.Number, began: map[uint32]Position{}, done: map[uint32]bool{}, last: map[string]int{}}
	for _, sh := range from {
		f.began[sh.Index] = 0
	}
	return f
}

// step reads once from every shard that it has begun. It reports whether there was anything new.
func (f *follower) step(r *rig, limit int) (moved bool) {
	f.t.Helper()
	for index, at := range f.began {
		b, err := r.Read(context.Background(), ShardKey{f.number, index}, at, limit, MaxReadBytes)
		if err != nil {
			f.t.Fatalf("read of shard %d: %v", index, err)
		}
		for i := range b.Records {
			f.take(index, &b.Records[i])
		}
		f.began[index] = b.Next
		moved = moved || len(b.Records) > 0 || b.End
		if b.End {
			f.end(r, index)
		}
	}
	return moved
}

// end begins the children of a shard that is done, as far as all their parents are.
func (f *follower) end(r *rig, index uint32) {
	f.t.Helper()
	delete(f.began, index)
	f.done[index] = true
	children := r.describe("s").Children(index)
	if len(children) == 0 {
		f.t.Fatalf("shard %d ends without children", index)
	}
	for _, child := range children {
		ready := true
		for _, parent := range []int64{child.Parent, child.AdjacentParent} {
			ready = ready && (parent == NoParent || f.done[uint32(parent)])
		}
		if ready {
			f.began[child.Index] = 0
		}
	}
}

func (f *follower) take(index uint32, rec *Record) {
	f.t.Helper()
	key, text, _ := strings.Cut(string(rec.Data), " ")
	n, err := strconv.Atoi(text)
	if err != nil || key != rec.PartitionKey {
		f.t.Fatalf("record %q of key %q", rec.Data, rec.PartitionKey)
	}
	if n != f.last[key]+1 {
		f.t.Fatalf("shard %d has record %d of key %s after record %d", index, n, key, f.last[key])
	}
	f.last[key] = n
	f.count++
}

// drain reads until there is nothing new.
func (f *follower) drain(r *rig) {
	for f.step(r, 1000) {
	}
}

// writers put records that bear their key and a number, one put of each writer after the other, and note what was
// acknowledged.
type writers struct {
	mu    sync.Mutex
	acked map[string]int
}

const writerKeys = 6

// run puts until the context ends, as the writer of that number.
func (w *writers) run(ctx context.Context, r *rig, writer int, rng *rand.Rand) {
	for ctx.Err() == nil {
		var list []Entry
		next := map[string]int{}
		for range 1 + rng.IntN(4) {
			key := fmt.Sprintf("%d-%d", writer, rng.IntN(writerKeys))
			if next[key] == 0 {
				next[key] = w.get(key)
			}
			next[key]++
			list = append(list, Entry{PartitionKey: key, Data: fmt.Appendf(nil, "%s %d", key, next[key])})
		}
		puts, err := r.Put(context.Background(), named("s"), list)
		if err != nil {
			r.t.Errorf("put: %v", err)
			return
		}
		for _, p := range puts {
			if p.Err != nil {
				r.t.Errorf("put: %v", p.Err)
			}
		}
		w.set(next)
		select {
		case <-r.clock.After(time.Duration(1+rng.IntN(200)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (w *writers) get(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked[key]
}

func (w *writers) set(counts map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, n := range counts {
		w.acked[key] = n
	}
}

func (w *writers) copy() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := map[string]int{}
	for key, n := range w.acked {
		counts[key] = n
	}
	return counts
}

// disturb changes the stream's shards in some way, unless it is changing already.
func (r *rig) disturb(rng *rand.Rand) {
	r.t.Helper()
	ctx, st := context.Background(), r.describe("s")
	m := reshaping{shards: st.Shards}
	open := m.open()
	i := rng.IntN(len(open))
	var err error
	switch rng.IntN(3) {
	case 0:
		span := st.Shards[open[i]].Range
		if at, ok := span.middle(); ok && len(open) < 12 {
			err = r.SplitShard(ctx, st.Name, st.Shards[open[i]].Index, at)
		}
	case 1:
		if i+1 < len(open) {
			err = r.MergeShards(ctx, st.Name, st.Shards[open[i]].Index, st.Shards[open[i+1]].Index)
		}
	default:
		_, err = r.UpdateShardCount(ctx, st.Name, min(12, (len(open)+1)/2+rng.IntN(len(open)+1)))
	}
	if err != nil && !errors.As(err, new(*StateError)) && !errors.As(err, new(*RequestLimitError)) {
		r.t.Fatalf("%T %v", err, err)
	}
}

// phase lets everybody do their part for a time.
func (r *rig) phase(w *writers, f *follower, rng *rand.Rand, d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for writer := range 3 {
		own := rand.New(rand.NewPCG(rng.Uint64(), 0))
		running.Go(func() { w.run(ctx, r, writer, own) })
	}
	for until := r.clock.Now().Add(d); r.clock.Now().Before(until); {
		<-r.clock.After(time.Duration(rng.IntN(1500)) * time.Millisecond)
		r.disturb(rng)
		checkCover(r.t.(*testing.T), r.describe("s").Shards)
		f.step(r, 1+rng.IntN(40))
	}
	cancel()
	running.Wait()
}

// TestShardsChangeUnderWritersAndReaders splits, merges and counts shards at random for minutes, with writers, a reader
// and a restart in the middle of a change. The open shards always cover the hash space, no record is lost or doubled,
// and the records of a key come in order, through parents and then children.
func TestShardsChangeUnderWritersAndReaders(t *testing.T) {
	seeds := uint64(5)
	if race.Enabled {
		seeds = 2
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			r := newRig(t, Config{TransitionDelay: time.Duration(rng.IntN(3)) * time.Second})
			if err := r.Create(t.Context(), named("s"), CreateOptions{ShardCount: 1 + rng.IntN(3)}); err != nil {
				t.Fatal(err)
			}
			r.pass(4 * time.Second)
			st := r.describe("s")
			w := &writers{acked: map[string]int{}}
			f := trace(t, st, st.Shards)
			r.phase(w, f, rng, 90*time.Second)
			for range 3 {
				r.disturb(rng)
			}
			r.restart()
			r.phase(w, f, rng, 90*time.Second)
			r.pass(10 * time.Second)
			r.expect("s", StatusActive)
			f.drain(r)
			again := trace(t, st, st.Shards)
			again.drain(r)
			want, total := w.copy(), 0
			for _, n := range want {
				total += n
			}
			for key, n := range want {
				if f.last[key] != n || again.last[key] != n {
					t.Errorf("seed %d: %d records of %s, read %d and %d", seed, n, key, f.last[key], again.last[key])
				}
			}
			if f.count != total || again.count != total || len(r.describe("s").Shards) < 20 {
				t.Errorf("seed %d: %d records, read %d and %d; %d shards", seed, total, f.count, again.count, len(r.describe("s").Shards))
			}
			r.stop()
		})
	}
}

// image is what a crash leaves, and what had been acknowledged by then.
type image struct {
	where string
	fs    vfs.FS
	acked map[string]int
}

// TestShardsChangeThroughACrash clones the disk, as a loss of power would leave it, before and after every commit of a
// table and every append to a log while shards change under writers. On each clone the change is there or is not,
// wholly; it is finished if it was asked for; and what had been acknowledged is there, once and in order.
func TestShardsChangeThroughACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		fs := vfs.NewCrashableMem()
		r := newRigOn(t, fs, Config{TransitionDelay: time.Second})
		if err := r.Create(t.Context(), named("s"), CreateOptions{ShardCount: 2}); err != nil {
			t.Fatal(err)
		}
		r.pass(3 * time.Second)
		st := r.describe("s")
		w := &writers{acked: map[string]int{}}
		var (
			mu     sync.Mutex
			images []image
		)
		crash := func(where string) {
			mu.Lock()
			defer mu.Unlock()
			acked := w.copy() // before the clone: it may hold more
			clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[len(images)%3], RNG: rng})
			images = append(images, image{where, clone, acked})
		}
		r.hooks.commits(func(next func() error) error {
			crash("before a commit")
			err := next()
			crash("after a commit")
			return err
		})
		var appends atomic.Int64
		r.hooks.set(func(store.LogID) error {
			if appends.Add(1)%8 == 0 {
				crash("before an append")
			}
			return nil
		}, func(store.LogID) error {
			if appends.Load()%8 == 0 {
				crash("after an append")
			}
			return nil
		})
		f := trace(t, st, st.Shards)
		length := 12 * time.Second
		if race.Enabled {
			length = 5 * time.Second
		}
		r.phase(w, f, rand.New(rand.NewPCG(4, 4)), length)
		r.hooks.commits(nil)
		r.hooks.set(nil, nil)
		commits := 0
		for _, im := range images {
			if strings.HasSuffix(im.where, "commit") {
				commits++
			}
			r.checkImage(im, st)
		}
		if commits < 8 {
			t.Errorf("%d of %d crashes were around commits", commits, len(images))
		}
		r.stop()
	})
}

// checkImage opens a service on what a crash left.
func (r *rig) checkImage(im image, st Stream) {
	t := r.t.(*testing.T)
	t.Helper()
	after := newRigOn(t, im.fs, Config{TransitionDelay: time.Second})
	defer func() { after.stop() }()
	found := after.describe("s")
	checkCover(t, found.Shards)
	if !found.Status.usable() {
		t.Fatalf("crash %s: the stream is %s", im.where, found.Status)
	}
	// Those who write while it goes on have their records after those that were there.
	f := trace(t, st, slices.DeleteFunc(slices.Clone(found.Shards), func(sh Shard) bool { return sh.Parent != NoParent }))
	f.drain(after)
	for key, n := range im.acked {
		if f.last[key] < n {
			t.Fatalf("crash %s: %d records of %s were acknowledged, %d are there", im.where, n, key, f.last[key])
		}
	}
	w := &writers{acked: f.last}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.run(ctx, after, 0, rand.New(rand.NewPCG(5, 5))) })
	after.pass(4 * time.Second)
	cancel()
	running.Wait()
	after.expect("s", StatusActive)
	f.last = map[string]int{}
	again := trace(t, st, slices.DeleteFunc(slices.Clone(found.Shards), func(sh Shard) bool { return sh.Parent != NoParent }))
	again.drain(after)
	for key, n := range w.acked {
		if again.last[key] != n {
			t.Fatalf("crash %s: %d records of %s, read %d", im.where, n, key, again.last[key])
		}
	}
}
