package stream

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// withLimits runs a test in virtual time over a stream of two shards with limits.
func withLimits(t *testing.T, f func(t *testing.T, r *rig, st Stream)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{ShardLimits: true})
		f(t, r, r.make("s", 2))
		r.stop()
	})
}

// sized makes entries of sizes in bytes, payload and key together: those with key a go to shard 0, with b to shard 1.
func sized(key string, sizes ...int) (list []Entry) {
	for _, size := range sizes {
		list = append(list, Entry{Data: make([]byte, size-len(key)), PartitionKey: key})
	}
	return list
}

// verdicts puts the entries and returns for each + when it was stored, - when it was throttled.
func (r *rig) verdicts(list ...Entry) string {
	r.t.Helper()
	puts, err := r.Put(context.Background(), named("s"), list)
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range puts {
		switch {
		case p.Err == nil:
			b.WriteByte('+')
		case errors.Is(p.Err, ErrThroughput):
			b.WriteByte('-')
		default:
			r.t.Fatal(p.Err)
		}
	}
	return b.String()
}

// reads calls GetRecords with an iterator and returns how many records there were, -1 when it was throttled.
func (r *rig) reads(iterator string) int {
	r.t.Helper()
	page, err := r.GetRecords(context.Background(), testAccount, testRegion, iterator, 0)
	if rate := new(ReadRateError); errors.As(err, &rate) {
		if rate.Name != named("s") || rate.Shard != 0 {
			r.t.Errorf("%+v", rate)
		}
		return -1
	} else if err != nil {
		r.t.Fatal(err)
	}
	return len(page.Records)
}

func (r *rig) iterator(shard uint32) (string, error) {
	return r.NewIterator(context.Background(), named("s"), shard, Start{Type: TrimHorizon})
}

// TestPutWithinLimits throttles entry by entry, in the order of the put, each shard for itself.
func TestPutWithinLimits(t *testing.T) {
	withLimits(t, func(t *testing.T, r *rig, st Stream) {
		const k = 1 << 10
		mixed := append(sized("a", 600*k, 600*k, 300*k, 200*k, 100*k), sized("b", 600*k, 400*k)...)
		if got := r.verdicts(mixed...); got != "+-+-+++" {
			t.Errorf("mixed sizes: %s", got)
		}
		if got := r.verdicts(sized("a", 100*k)...); got != "-" {
			t.Errorf("at once: %s", got)
		}
		r.pass(100 * time.Millisecond)
		if got := r.verdicts(sized("a", 100*k, 100*k)...); got != "+-" {
			t.Errorf("a tenth of a second later: %s", got)
		}
		r.pass(time.Second)
		if got := r.verdicts(append(sized("a", make1000(10)[:499]...), sized("b", 10)...)...); strings.Contains(got, "-") {
			t.Errorf("499 small ones: %s", got)
		}
		if got := r.verdicts(sized("a", make1000(10)[:500]...)...); strings.Contains(got, "-") {
			t.Errorf("500 more: %s", got)
		}
		if got := r.verdicts(sized("a", 10, 10)...); got != "+-" {
			t.Errorf("the thousandth, and one more: %s", got)
		}
		found, _ := r.drain(ShardKey{st.Number, 0}, 0, MaxReadRecords)
		if len(found) != 3+1+1000 {
			t.Errorf("%d records are there", len(found))
		}
	})
}

// make1000 returns a size a thousand times.
func make1000(size int) []int {
	sizes := make([]int, 1000)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

func TestLargeRecordWithinLimits(t *testing.T) {
	withLimits(t, func(t *testing.T, r *rig, st Stream) {
		if err := r.SetMaxRecordBytes(t.Context(), st.Name, 10<<20); err != nil {
			t.Fatal(err)
		}
		r.await("s", StatusActive)
		if got := r.verdicts(sized("a", 10<<20)...); got != "+" {
			t.Fatal(got)
		}
		if got := r.verdicts(sized("a", 1)...); got != "-" {
			t.Errorf("a small one at once: %s", got)
		}
		r.pass(time.Second)
		if got := r.verdicts(sized("a", 1<<20)...); got != "+" {
			t.Errorf("a second later: %s", got)
		}
		r.pass(9 * time.Second)
		if got := r.verdicts(sized("a", 10<<20-1)...); got != "-" {
			t.Errorf("a large one after ten seconds, with a MiB between: %s", got)
		}
		r.pass(time.Second)
		if got := r.verdicts(sized("a", 10<<20)...); got != "+" {
			t.Errorf("and after eleven: %s", got)
		}
	})
}

func TestGetRecordsWithinLimits(t *testing.T) {
	withLimits(t, func(t *testing.T, r *rig, st Stream) {
		it, err := r.iterator(0)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{0, 0, 0, 0, 0, -1} {
			if got := r.reads(it); got != want {
				t.Errorf("call %d: %d", i, got)
			}
		}
		r.pass(200 * time.Millisecond)
		if first, second := r.reads(it), r.reads(it); first != 0 || second != -1 {
			t.Errorf("after a fifth of a second: %d, %d", first, second)
		}
		// Ten MiB, put in as many seconds.
		for range 10 {
			r.pass(time.Second)
			r.verdicts(sized("a", 1<<20)...)
		}
		if got := r.reads(it); got != 10 {
			t.Errorf("%d records", got)
		}
		if got := r.reads(it); got != -1 {
			t.Errorf("after 10 MiB at once: %d", got)
		}
		r.pass(5*time.Second - time.Millisecond)
		if got := r.reads(it); got != -1 {
			t.Errorf("within five seconds: %d", got)
		}
		r.pass(time.Millisecond)
		if got := r.reads(it); got != 10 {
			t.Errorf("after five seconds: %d", got)
		}
		// Reads inside the house are nobody's calls.
		if b, err := r.Read(t.Context(), ShardKey{st.Number, 0}, 0, 100, MaxReadBytes); err != nil || len(b.Records) != 10 {
			t.Error(len(b.Records), err)
		}
		if _, err := r.ReadLimited(t.Context(), ShardKey{st.Number, 0}, 0, 100, MaxReadBytes); !errors.As(err, new(*ReadRateError)) {
			t.Error(err)
		}
	})
}

func TestIteratorsWithinLimits(t *testing.T) {
	withLimits(t, func(t *testing.T, r *rig, _ Stream) {
		for i := range 7 {
			if _, err := r.iterator(0); (err != nil) != (i >= 5) || err != nil && !errors.As(err, new(*ReadRateError)) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		if _, err := r.iterator(1); err != nil {
			t.Errorf("another shard: %v", err)
		}
		r.pass(200 * time.Millisecond)
		if _, err := r.iterator(0); err != nil {
			t.Errorf("after a fifth of a second: %v", err)
		}
	})
}

// TestLimitsGoOn looks at shards that come out of others, and at those of a restarted house.
func TestLimitsGoOn(t *testing.T) {
	withLimits(t, func(t *testing.T, r *rig, st Stream) {
		at, _ := st.Shards[0].Range.middle()
		if err := r.SplitShard(t.Context(), st.Name, 0, at); err != nil {
			t.Fatal(err)
		}
		r.await("s", StatusActive)
		if got := r.verdicts(sized("a", 1<<20, 1)...); got != "+-" {
			t.Errorf("a child: %s", got)
		}
		r.restart()
		if got := r.verdicts(sized("a", 1<<20, 1)...); got != "+-" {
			t.Errorf("after a restart: %s", got)
		}
	})
}

// TestSubscriptionIsPaced pushes a backlog to two consumers, to each at 2 MiB a second beside its first ones, also over
// several subscriptions.
func TestSubscriptionIsPaced(t *testing.T) {
	withLimits(t, func(t *testing.T, r *rig, st Stream) {
		c, other := r.register("s", "c"), r.register("s", "other")
		const total = 20 << 20
		for range total >> 20 {
			r.pass(time.Second)
			r.verdicts(sized("a", make1000(1 << 18)[:4]...)...)
		}
		begin := r.clock.Now()
		got, start := 0, Start{Type: TrimHorizon}
		sub := r.subscribe(c, 0, start)
		for got < total {
			e, _ := r.next(sub)
			if len(e.Records) == 0 {
				t.Fatal("an empty event")
			}
			got += sizeOf(e.Records)
			took := r.clock.Since(begin)
			if most := shardReadBytes + int(took.Seconds()*shardReadBytes) + MaxEventBytes; got > most {
				t.Fatalf("%d bytes within %s", got, took)
			}
			if took > SubscriptionRest && start.Type == TrimHorizon {
				start = Start{Type: AfterSequenceNumber, SequenceNumber: e.Continuation}
				sub.Close()
				sub = r.subscribe(c, 0, start)
			}
		}
		sub.Close()
		if took := r.clock.Since(begin); took < 8*time.Second || took > 9*time.Second {
			t.Errorf("20 MiB took %s", took)
		}
		if e, took := r.next(r.subscribe(other, 0, Start{Type: TrimHorizon})); len(e.Records) == 0 || took != 0 {
			t.Errorf("another consumer: %d records after %s", len(e.Records), took)
		}
	})
}

// TestPacedSubscriptionEnds ends one that waits for its pace: it ends at once.
func TestPacedSubscriptionEnds(t *testing.T) {
	withLimits(t, func(t *testing.T, r *rig, st Stream) {
		if err := r.SetMaxRecordBytes(t.Context(), st.Name, 10<<20); err != nil {
			t.Fatal(err)
		}
		r.await("s", StatusActive)
		c := r.register("s", "c")
		r.verdicts(sized("a", 10<<20)...)
		r.pass(time.Second)
		r.verdicts(sized("a", 1)...)
		sub := r.subscribe(c, 0, Start{Type: TrimHorizon})
		defer sub.Close()
		if e, took := r.next(sub); len(e.Records) != 1 || took != 0 {
			t.Fatal(len(e.Records), took)
		}
		go func() {
			<-r.clock.After(time.Second)
			r.EndSubscriptions()
		}()
		begin := r.clock.Now()
		if _, err := sub.Next(t.Context()); err == nil || r.clock.Since(begin) != time.Second {
			t.Errorf("%v after %s", err, r.clock.Since(begin))
		}
	})
}

// TestLimitedOnDemandStreamScales: what is refused counts as load, or a stream whose shards have limits would not grow.
func TestLimitedOnDemandStreamScales(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{ShardLimits: true})
		if err := r.Create(t.Context(), named("s"), CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		st := r.await("s", StatusActive)
		lower, upper := st.Shards[1].Range.Start, st.Shards[1].Range.at(t)
		var list []Entry
		for range 250 {
			list = append(list, Entry{ExplicitHashKey: &lower, PartitionKey: "k"}, Entry{ExplicitHashKey: &upper, PartitionKey: "k"})
		}
		for range 95 {
			for range 3 {
				r.verdicts(list...)
			}
			r.pass(time.Second)
		}
		if got := shape(r.describe("s").Shards); got != "0 1x 2 3 4<1 5<1" {
			t.Errorf("under load: %s", got)
		}
		r.stop()
	})
}

// TestWithoutLimits has none of them by default.
func TestWithoutLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.make("s", 2)
		if got := r.verdicts(sized("a", make1000(20 << 10)[:500]...)...); strings.Contains(got, "-") {
			t.Error("throttled")
		}
		if got := r.verdicts(sized("a", make1000(1)[:500]...)...) + r.verdicts(sized("a", make1000(1)[:500]...)...); strings.Contains(got, "-") {
			t.Error("throttled")
		}
		for range 10 {
			it, err := r.iterator(0)
			if err != nil || r.reads(it) < 0 {
				t.Error("throttled", err)
			}
		}
		r.stop()
	})
}
