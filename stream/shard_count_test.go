package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/store"
)

// at returns the hash key in the middle of a range.
func (r HashRange) at(t testing.TB) Hash {
	t.Helper()
	h, ok := r.middle()
	if !ok {
		t.Fatalf("%v has no middle", r)
	}
	return h
}

// putAt stores a record under a hash key.
func (r *rig) putAt(name string, h Hash, data string) Put {
	r.t.Helper()
	puts, err := r.Put(context.Background(), named(name), []Entry{{Data: []byte(data), PartitionKey: "k", ExplicitHashKey: &h}})
	if err != nil {
		r.t.Fatal(err)
	}
	if puts[0].Err != nil {
		r.t.Fatal(puts[0].Err)
	}
	return puts[0]
}

// readAll reads a shard to its tip and returns the texts, and whether the shard ends there.
func (r *rig) readAll(st Stream, shard uint32) ([]string, bool) {
	r.t.Helper()
	var found []string
	for at := Position(0); ; {
		b, err := r.Read(context.Background(), ShardKey{st.Number, shard}, at, 7, MaxReadBytes)
		if err != nil {
			r.t.Fatal(err)
		}
		found = append(found, texts(b.Records)...)
		if at = b.Next; b.End || len(b.Records) == 0 {
			return found, b.End
		}
	}
}

func TestSplitAndMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: 10 * time.Second})
		ctx, name := t.Context(), named("s")
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 2}); err != nil {
			t.Fatal(err)
		}
		r.pass(10 * time.Second)
		st := r.describe("s")
		at := st.Shards[0].Range.at(t)
		before := r.putAt("s", at.before(), "before")
		if err := r.SplitShard(ctx, name, 0, at); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusUpdating)
		meanwhile := r.putAt("s", at, "meanwhile")
		if got := shape(r.describe("s").Shards); got != "0 1" {
			t.Errorf("while UPDATING: %s", got)
		}
		if err := r.MergeShards(ctx, name, 0, 1); !errors.As(err, new(*StateError)) {
			t.Errorf("merge while UPDATING: %v", err)
		}
		r.pass(9*time.Second + 300*time.Millisecond)
		r.putAt("s", Hash{}, "last")
		waited := make(chan Batch, 1)
		go func() {
			end := Position(0)
			for {
				b, err := r.Read(context.Background(), ShardKey{st.Number, 0}, end, 10, MaxReadBytes)
				if err != nil || b.End {
					waited <- b
					return
				}
				end = b.Next
				_ = r.Wait(context.Background(), ShardKey{st.Number, 0}, end)
			}
		}()
		synctest.Wait()
		r.pass(700 * time.Millisecond)
		r.expect("s", StatusActive)
		<-waited // the reader at the tip was woken

		now := r.clock.Now().Truncate(time.Second)
		split := r.describe("s")
		if got := shape(split.Shards); got != "0x 1 2<0 3<0" {
			t.Fatal(got)
		}
		parent, lower, upper := split.Shards[0], split.Shards[2], split.Shards[3]
		if !parent.Closed.Equal(now) || !lower.Created.Equal(now.Add(time.Second)) || lower.Created != upper.Created {
			t.Errorf("closed at %s, children of %s and %s; now is %s", parent.Closed, lower.Created, upper.Created, now)
		}
		if lower.Range != (HashRange{parent.Range.Start, at.before()}) || upper.Range != (HashRange{at, parent.Range.End}) {
			t.Errorf("%v was split into %v and %v", parent.Range, lower.Range, upper.Range)
		}
		if o := parent.End().Origin(); o.Position != MaxPosition || o.Time != now.Unix() || o.Creation != parent.Created.Unix() {
			t.Errorf("the end is %+v", o)
		}
		if before.SequenceNumber.Compare(meanwhile.SequenceNumber) >= 0 || parent.End().Compare(meanwhile.SequenceNumber) <= 0 {
			t.Error("the parent's end is not after its records")
		}

		// Puts go to the children. Their records are not dated before them.
		low, high := r.putAt("s", at.before(), "low"), r.putAt("s", at, "high")
		if low.Shard != 2 || high.Shard != 3 {
			t.Errorf("put to %d and %d", low.Shard, high.Shard)
		}
		if got := low.SequenceNumber.Origin().Time; got != lower.Created.Unix() || low.SequenceNumber.Compare(lower.Start()) <= 0 {
			t.Errorf("arrived at %d in a shard of %d", got, lower.Created.Unix())
		}
		if err := r.CheckOrdering(low.SequenceNumber.String()); err != nil {
			t.Errorf("a number just given out: %v", err)
		}
		if got, end := r.readAll(st, 0); !end || !slices.Equal(got, []string{"before", "meanwhile", "last"}) {
			t.Errorf("the parent has %v, end %v", got, end)
		}
		if got, end := r.readAll(st, 2); end || !slices.Equal(got, []string{"low"}) {
			t.Errorf("the child has %v, end %v", got, end)
		}

		// The end of the parent names the children, after the last records and not with them.
		it, err := r.NewIterator(ctx, name, 0, Start{Type: AtSequenceNumber, SequenceNumber: meanwhile.SequenceNumber})
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.GetRecords(ctx, testAccount, testRegion, it, 10)
		if err != nil || page.Iterator == "" || len(page.Children) != 0 || len(page.Records) != 2 {
			t.Fatalf("%+v, %v", page, err)
		}
		page, err = r.GetRecords(ctx, testAccount, testRegion, page.Iterator, 10)
		if err != nil || page.Iterator != "" || shape(page.Children) != "2<0 3<0" || page.MillisBehind != 0 {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, start := range []Start{{Type: Latest}, {Type: AfterSequenceNumber, SequenceNumber: parent.End()}, {Type: AtTimestamp, Timestamp: r.clock.Now()}} {
			it, err := r.NewIterator(ctx, name, 0, start)
			if err != nil {
				t.Fatal(err)
			}
			if page, err := r.GetRecords(ctx, testAccount, testRegion, it, 10); err != nil || len(page.Records) != 0 || len(page.Children) != 2 {
				t.Errorf("%s on a closed shard: %+v, %v", start.Type, page, err)
			}
		}

		for _, c := range []struct {
			err  error
			want any
		}{
			{r.SplitShard(ctx, name, 0, at), new(*ClosedShardError)},
			{r.SplitShard(ctx, name, 4, at), new(*ShardNotFoundError)},
			{r.SplitShard(ctx, name, 2, lower.Range.Start), new(*SplitRangeError)},
			{r.SplitShard(ctx, name, 2, lower.Range.Start.after()), new(*SplitRangeError)},
			{r.SplitShard(ctx, name, 2, lower.Range.End), new(*SplitRangeError)},
			{r.SplitShard(ctx, name, 3, at.before()), new(*SplitRangeError)},
			{r.MergeShards(ctx, name, 0, 1), new(*ClosedShardError)},
			{r.MergeShards(ctx, name, 3, 4), new(*ShardNotFoundError)},
			{r.MergeShards(ctx, name, 2, 1), new(*NotAdjacentError)},
			{r.MergeShards(ctx, name, 3, 2), new(*NotAdjacentError)},
			{r.MergeShards(ctx, name, 1, 1), new(*NotAdjacentError)},
			{r.MergeShards(ctx, named("none"), 1, 2), new(*NotFoundError)},
		} {
			if !errors.As(c.err, c.want) {
				t.Errorf("%v, want %T", c.err, c.want)
			}
		}
		if err := r.MergeShards(ctx, name, 3, 1); err != nil { // from two generations
			t.Fatal(err)
		}
		r.pass(10 * time.Second)
		merged := r.describe("s")
		if got := shape(merged.Shards); got != "0x 1x 2<0 3<0x 4<3+1" {
			t.Error(got)
		}
		if r.putAt("s", maxHash, "x").Shard != 4 || r.putAt("s", at, "y").Shard != 4 || r.putAt("s", at.before(), "z").Shard != 2 {
			t.Error("put to another shard than the merged one")
		}
		for _, index := range []uint32{1, 3} {
			if got := shape(merged.Children(index)); got != "4<3+1" {
				t.Errorf("children of %d: %s", index, got)
			}
		}
		r.restart()
		again := r.describe("s")
		if !slices.Equal(again.Shards, merged.Shards) {
			t.Errorf("%+v after a restart, was %+v", again.Shards, merged.Shards)
		}
		if got, end := r.readAll(st, 0); !end || len(got) != 3 {
			t.Errorf("after a restart the parent has %v, end %v", got, end)
		}
		r.stop()
	})
}

// TestSplitWaitsForAppends has the end of a shard lie behind what was queued, and what comes later go to the children.
func TestSplitWaitsForAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 1)
		r.pass(time.Second)
		pass := make(chan struct{})
		r.hooks.set(func(store.LogID) error { <-pass; return nil }, nil)
		at := st.Shards[0].Range.at(t)
		answers := make(chan Put, 3)
		send := func(data string) {
			go func() { answers <- r.putAt("s", at, data) }()
			synctest.Wait()
		}
		send("under way")
		send("queued")
		if err := r.SplitShard(t.Context(), st.Name, 0, at); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusUpdating) // it waits
		send("late")
		cancelled, cancel := context.WithCancel(t.Context())
		refused := make(chan error, 1)
		go func() {
			_, err := r.Put(cancelled, st.Name, entries("never", 1))
			refused <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-refused; !errors.Is(err, context.Canceled) {
			t.Errorf("a put that gave up waiting: %v", err)
		}
		select {
		case p := <-answers:
			t.Errorf("answered before it was stored: %+v", p)
		default:
		}
		close(pass)
		r.expect("s", StatusActive)
		var shards []uint32
		for range 3 {
			shards = append(shards, (<-answers).Shard)
		}
		slices.Sort(shards)
		if !slices.Equal(shards, []uint32{0, 0, 2}) {
			t.Errorf("put to %v", shards)
		}
		if got, end := r.readAll(st, 0); !end || !slices.Equal(got, []string{"under way", "queued"}) {
			t.Errorf("%v, end %v", got, end)
		}
		if got, end := r.readAll(st, 2); end || !slices.Equal(got, []string{"late"}) {
			t.Errorf("%v, end %v", got, end)
		}
		r.stop()
	})
}

// TestMergedEntriesKeepTheirOrder puts entries for two shards that become one under way: they are stored in the order of
// the put.
func TestMergedEntriesKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 2)
		r.pass(time.Second)
		pass := make(chan struct{})
		r.hooks.commits(func(next func() error) error { <-pass; return next() })
		asked := make(chan error, 1)
		go func() { asked <- r.MergeShards(t.Context(), st.Name, 0, 1) }()
		pass <- struct{}{} // UPDATING
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // sealed
		var list []Entry
		var want []string
		for i := range 9 {
			h := st.Shards[i%2].Range.at(t)
			list = append(list, Entry{Data: fmt.Append(nil, i), PartitionKey: "k", ExplicitHashKey: &h})
			want = append(want, fmt.Sprint(i))
		}
		puts := make(chan []Put, 1)
		go func() {
			p, err := r.Put(context.Background(), st.Name, list)
			if err != nil {
				t.Error(err)
			}
			puts <- p
		}()
		synctest.Wait()
		close(pass)
		for _, p := range <-puts {
			if p.Shard != 2 || p.Err != nil {
				t.Errorf("%+v", p)
			}
		}
		if got, _ := r.readAll(st, 2); !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		r.stop()
	})
}

// TestSplitThatTheStoreRefuses tries again, and meanwhile the parent takes records.
func TestSplitThatTheStoreRefuses(t *testing.T) {
	for kind, fail := range map[string]func(next func() error) error{
		"full":         func(func() error) error { return store.ErrFull },
		"lost":         func(func() error) error { return errors.New("no such luck") },
		"done in fact": func(next func() error) error { return errors.Join(next(), errors.New("no such luck")) },
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{TransitionDelay: 10 * time.Second})
				ctx, name := t.Context(), named("s")
				if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
					t.Fatal(err)
				}
				r.pass(10 * time.Second)
				st := r.describe("s")
				at := st.Shards[0].Range.at(t)
				if err := r.SplitShard(ctx, name, 0, at); err != nil {
					t.Fatal(err)
				}
				r.hooks.commits(fail)
				r.pass(10 * time.Second)
				want, shape1 := StatusUpdating, "0"
				if kind == "done in fact" {
					want, shape1 = StatusActive, "0x 1<0 2<0"
				}
				r.expect("s", want)
				if got := shape(r.describe("s").Shards); got != shape1 {
					t.Error(got)
				}
				first := r.putAt("s", at, "meanwhile")
				r.hooks.commits(nil)
				r.pass(transitionRetry)
				r.expect("s", StatusActive)
				second := r.putAt("s", at, "later")
				if got := shape(r.describe("s").Shards); got != "0x 1<0 2<0" || second.Shard != 2 {
					t.Errorf("%s, put to %d and %d", got, first.Shard, second.Shard)
				}
				r.restart()
				if got := shape(r.describe("s").Shards); got != "0x 1<0 2<0" {
					t.Error(got)
				}
				found, _ := r.readAll(st, first.Shard)
				more, _ := r.readAll(st, second.Shard)
				if !slices.Contains(found, "meanwhile") || !slices.Contains(more, "later") {
					t.Errorf("%v, %v", found, more)
				}
				r.stop()
			})
		})
	}
}

// TestPutsWaitUntilTheOutcomeIsKnown has the store not say whether a split was stored, nor let it be read: puts to the
// parent wait until one or the other is possible again, or the stream is deleted.
func TestPutsWaitUntilTheOutcomeIsKnown(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{TransitionDelay: time.Second})
			ctx, name := t.Context(), named("s")
			if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
				t.Fatal(err)
			}
			r.pass(2 * time.Second)
			st := r.describe("s")
			at := st.Shards[0].Range.at(t)
			if err := r.SplitShard(ctx, name, 0, at); err != nil {
				t.Fatal(err)
			}
			r.hooks.commits(func(next func() error) error { return errors.Join(next(), errors.New("no such luck")) })
			r.hooks.blind.Store(true)
			r.pass(1500 * time.Millisecond)
			r.expect("s", StatusUpdating)
			type answer struct {
				puts []Put
				err  error
			}
			answers := make(chan answer, 1)
			go func() {
				puts, err := r.Put(context.Background(), name, []Entry{{Data: []byte("x"), PartitionKey: "k", ExplicitHashKey: &at}})
				answers <- answer{puts, err}
			}()
			r.pass(10 * time.Second)
			select {
			case a := <-answers:
				t.Fatalf("answered %+v", a)
			default:
			}
			r.hooks.commits(nil)
			r.hooks.blind.Store(false)
			if deleted {
				if err := r.Delete(ctx, name); err != nil {
					t.Fatal(err)
				}
				// The deletion finds out first that the stream was split, which lets the put go on: it may come before.
				if a := <-answers; !errors.As(a.err, new(*NotFoundError)) && (a.err != nil || a.puts[0].Shard != 2) {
					t.Errorf("put to a deleted stream: %+v", a)
				}
			} else if a := <-answers; a.err != nil || a.puts[0].Err != nil || a.puts[0].Shard != 2 {
				t.Errorf("%+v", a)
			}
			r.stop()
		})
	}
}

func TestUpdateShardCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock, TransitionDelay: time.Second, ShardLimit: 30})
		ctx, name := t.Context(), named("s")
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 10}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		for _, c := range []struct {
			target int
			want   error
		}{{21, ErrTooManyShards}, {10_000_000, ErrTooManyShards}, {4, ErrTooFewShards}, {1, ErrTooFewShards}} {
			_, err := r.UpdateShardCount(ctx, name, c.target)
			if e, ok := errors.AsType[*ShardCountError](err); !ok || e.Reason != c.want || e.Open != 10 || e.Target != c.target {
				t.Errorf("to %d: %v", c.target, err)
			}
		}
		if err := checkTarget(9000, 10_001); !errors.Is(err, ErrMostShards) {
			t.Error(err)
		}
		if open, err := r.UpdateShardCount(ctx, name, 10); open != 10 || err != nil || r.describe("s").Status != StatusActive {
			t.Errorf("as many as there are: %d, %v", open, err)
		}
		if open, err := r.UpdateShardCount(ctx, name, 13); open != 10 || err != nil {
			t.Fatalf("%d, %v", open, err)
		}
		r.expect("s", StatusUpdating)
		// What it is to become counts against the account's limit.
		if err := r.Create(ctx, named("other"), CreateOptions{ShardCount: 18}); !errors.As(err, new(*ShardLimitError)) {
			t.Errorf("18 beside 13: %v", err)
		}
		r.pass(time.Second)
		st := r.describe("s")
		if st.Status != StatusActive || st.OpenShards() != 13 || len(st.Shards) != 37 {
			t.Fatalf("%s, %d open of %d", st.Status, st.OpenShards(), len(st.Shards))
		}
		checkCover(t, st.Shards)
		now := r.clock.Now()
		for _, sh := range st.Shards {
			if ahead := sh.Created.Sub(now); ahead > reshapeLead {
				t.Errorf("shard %d is dated %s ahead", sh.Index, ahead)
			}
		}
		// Shards that are dated ahead are not closed before their time.
		if _, err := r.UpdateShardCount(ctx, name, 26); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		r.expect("s", StatusUpdating)
		r.pass(time.Second)
		r.expect("s", StatusActive)
		for _, sh := range r.describe("s").Shards {
			if !sh.Open() && sh.Closed.Before(sh.Created) {
				t.Errorf("%+v", sh)
			}
		}
		if _, err := r.UpdateShardCount(ctx, name, 31); !errors.As(err, new(*ShardLimitError)) {
			t.Errorf("31 of 30: %v", err)
		}
		for i, target := range []int{13, 26, 13, 26, 13, 26, 13, 26} {
			if _, err := r.UpdateShardCount(ctx, name, target); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			r.pass(5 * time.Second)
		}
		limit, ok := errors.AsType[*RequestLimitError](func() error { _, err := r.UpdateShardCount(ctx, name, 13); return err }())
		if !ok || limit.Limit != 10 {
			t.Errorf("eleventh within a day: %v", limit)
		}
		r.restart() // which is no way round it
		if _, err := r.UpdateShardCount(ctx, name, 13); !errors.As(err, new(*RequestLimitError)) {
			t.Errorf("after a restart: %v", err)
		}
		clock.swing(24 * time.Hour)
		if _, err := r.UpdateShardCount(ctx, name, 13); err != nil {
			t.Errorf("a day later: %v", err)
		}
		r.stop()
	})
}

func TestUpdateMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock, TransitionDelay: time.Second})
		ctx, name := t.Context(), named("s")
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 3}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		if err := r.UpdateMode(ctx, name, "SOMETIMES", nil); !errors.Is(err, ErrMode) {
			t.Error(err)
		}
		if err := r.UpdateMode(ctx, name, ModeProvisioned, nil); !errors.As(err, new(*SameModeError)) {
			t.Error(err)
		}
		if err := r.UpdateMode(ctx, name, ModeOnDemand, nil); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		if st := r.describe("s"); st.Mode != ModeOnDemand || shape(st.Shards) != "0 1 2" {
			t.Errorf("%+v", st)
		}
		for _, err := range []error{
			r.SplitShard(ctx, name, 0, HashOf("a")),
			r.MergeShards(ctx, name, 0, 1),
			func() error { _, err := r.UpdateShardCount(ctx, name, 100); return err }(),
		} {
			if !errors.As(err, new(*OnDemandError)) {
				t.Error(err)
			}
		}
		if err := r.SplitShard(ctx, name, 3, HashOf("a")); !errors.As(err, new(*ShardNotFoundError)) {
			t.Errorf("a shard that is not there is judged first: %v", err)
		}
		if err := r.UpdateMode(ctx, name, ModeProvisioned, nil); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		if err := r.UpdateMode(ctx, name, ModeOnDemand, nil); !errors.As(err, new(*RequestLimitError)) {
			t.Errorf("third within a day: %v", err)
		}
		clock.swing(24 * time.Hour)
		if err := r.UpdateMode(ctx, name, ModeOnDemand, nil); err != nil {
			t.Error(err)
		}
		r.stop()
	})
}

// TestClosedShardsExpire has closed shards leave when the last of their records has expired.
func TestClosedShardsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 1)
		r.pass(time.Second)
		at := st.Shards[0].Range.at(t)
		r.putAt("s", at, "old")
		if err := r.SplitShard(t.Context(), st.Name, 0, at); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusActive)
		closed := r.describe("s").Shards[0].Closed
		clock.swing(closed.Add(24*time.Hour + time.Second - 1).Sub(r.clock.Now()))
		if got := shape(r.describe("s").Shards); got != "0x 1<0 2<0" {
			t.Error(got)
		}
		r.putAt("s", at, "new")
		r.pass(1)
		if got := shape(r.describe("s").Shards); got != "1<0 2<0" {
			t.Error(got)
		}
		r.pass(2 * sweepEvery)
		l, _ := r.find(st.Name)
		if len(l.stream.Shards) != 2 || len(l.logs) != 2 || l.stream.closed {
			t.Errorf("%d shards are remembered", len(l.stream.Shards))
		}
		if _, err := r.Read(t.Context(), ShardKey{st.Number, 0}, 0, 1, 1); !errors.Is(err, ErrGone) {
			t.Errorf("read of an expired shard: %v", err)
		}
		r.restart()
		if got := shape(r.describe("s").Shards); got != "1<0 2<0" {
			t.Error(got)
		}
		if got, _ := r.readAll(st, 2); !slices.Equal(got, []string{"new"}) {
			t.Error(got)
		}
		if err := r.MergeShards(t.Context(), st.Name, 1, 2); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusActive)
		if got := shape(r.describe("s").Shards); got != "1<0x 2<0x 3<1+2" {
			t.Error(got)
		}
		r.stop()
	})
}
