package stream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func (r *rig) status(name string) Status {
	r.t.Helper()
	synctest.Wait()
	st, err := r.Describe(r.t.Context(), named(name))
	if _, ok := errors.AsType[*NotFoundError](err); ok {
		return "gone"
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return st.Status
}

func (r *rig) expect(name string, want Status) {
	r.t.Helper()
	if got := r.status(name); got != want {
		r.t.Fatalf("stream %s is %s, want %s", name, got, want)
	}
}

func (r *rig) pass(d time.Duration) {
	<-r.clock.After(d)
	synctest.Wait()
}

func TestStreamComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: 500 * time.Millisecond})
		ctx, name := t.Context(), named("orders")
		asked := r.clock.Now()
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 3}); err != nil {
			t.Fatal(err)
		}
		r.expect("orders", StatusCreating)
		st, _ := r.Describe(ctx, name)
		if len(st.Shards) != 0 || st.OpenShards() != 0 {
			t.Errorf("CREATING with shards %v", st.Shards)
		}
		if age := asked.Sub(st.Created); age < 2*time.Second || age > 7*time.Second {
			t.Errorf("created %s before the request", age)
		}
		if _, err := r.Put(ctx, name, entries("x", 1)); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("put to a CREATING stream: %v", err)
		}
		if _, err := r.NewIterator(ctx, name, 0, Start{Type: Latest}); !errors.As(err, new(*ShardNotFoundError)) {
			t.Errorf("iterator of a CREATING stream: %v", err)
		}
		if err := r.Create(ctx, name, CreateOptions{}); !errors.As(err, new(*ExistsError)) {
			t.Errorf("second create: %v", err)
		}
		r.pass(499 * time.Millisecond)
		r.expect("orders", StatusCreating)
		r.pass(time.Millisecond)
		r.expect("orders", StatusActive)
		st, _ = r.Describe(ctx, name)
		if len(st.Shards) != 3 || st.Mode != ModeProvisioned || st.Retention != 24*time.Hour || st.MaxRecordBytes != 1<<20 {
			t.Errorf("%+v", st)
		}
		p := r.put("orders", "a", "x")
		if !(p.SequenceNumber.Compare(st.Shards[0].Start()) > 0) {
			t.Error("the first record is not greater than the shard's start")
		}
		it, err := r.NewIterator(ctx, name, 0, Start{Type: TrimHorizon})
		if err != nil {
			t.Fatal(err)
		}

		waited := make(chan error, 1)
		go func() { waited <- r.Wait(context.Background(), ShardKey{st.Number, 1}, 0) }()
		synctest.Wait()
		if err := r.Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
		r.expect("orders", StatusDeleting)
		if err := <-waited; err != nil {
			t.Errorf("wait on a deleted stream: %v", err)
		}
		if st, _ := r.Describe(ctx, name); len(st.Shards) != 3 {
			t.Errorf("DELETING with shards %v", st.Shards)
		}
		if _, err := r.Put(ctx, name, entries("x", 1)); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("put to a DELETING stream: %v", err)
		}
		if _, err := r.GetRecords(ctx, testAccount, testRegion, it, 0); !errors.As(err, new(*ShardNotFoundError)) {
			t.Errorf("read of a DELETING stream: %v", err)
		}
		if _, err := r.Read(ctx, ShardKey{st.Number, 0}, 0, 1, 1); !errors.Is(err, ErrGone) {
			t.Errorf("read of a DELETING stream: %v", err)
		}
		if err := r.Delete(ctx, name); err != nil {
			t.Errorf("second delete: %v", err)
		}
		if err := r.Create(ctx, name, CreateOptions{}); !errors.As(err, new(*ExistsError)) {
			t.Errorf("create of a DELETING stream: %v", err)
		}
		r.pass(500 * time.Millisecond)
		r.expect("orders", "gone")
		if err := r.Delete(ctx, name); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("delete of nothing: %v", err)
		}

		// The name comes back as another stream, with which nothing of the old one works.
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 3}); err != nil {
			t.Fatal(err)
		}
		r.pass(500 * time.Millisecond)
		again, _ := r.Describe(ctx, name)
		if again.Status != StatusActive || again.Number == st.Number {
			t.Errorf("%+v after %+v", again, st)
		}
		if found, _ := r.drain(ShardKey{again.Number, 0}, 0, 10); len(found) != 0 {
			t.Errorf("the new stream has records of the old one: %v", texts(found))
		}
		if _, err := r.GetRecords(ctx, testAccount, testRegion, it, 0); !errors.As(err, new(*ShardNotFoundError)) {
			t.Errorf("old iterator with the new stream: %v", err)
		}
		if _, err := r.Seek(ctx, ShardKey{again.Number, 0}, Start{Type: AtSequenceNumber, SequenceNumber: p.SequenceNumber}); !errors.Is(err, ErrOtherStream) {
			t.Errorf("old sequence number with the new stream: %v", err)
		}
		r.stop()
	})
}

func TestStreamDeletedWhileCreating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second})
		if err := r.Create(t.Context(), named("s"), CreateOptions{ShardCount: 2}); err != nil {
			t.Fatal(err)
		}
		if err := r.Delete(t.Context(), named("s")); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusDeleting)
		if st, _ := r.Describe(t.Context(), named("s")); len(st.Shards) != 0 {
			t.Errorf("shards %v", st.Shards)
		}
		r.pass(time.Second)
		r.expect("s", "gone")
		r.stop()
	})
}

func TestTransitionsGoOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Minute})
		ctx := t.Context()
		for _, name := range []string{"coming", "going"} {
			if err := r.Create(ctx, named(name), CreateOptions{ShardCount: 2}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Delete(ctx, named("going")); err != nil {
			t.Fatal(err)
		}
		before, _ := r.Describe(ctx, named("coming"))
		r.pass(30 * time.Second)
		r.restart()
		r.expect("coming", StatusCreating)
		r.expect("going", StatusDeleting)
		r.pass(30 * time.Second)
		r.expect("coming", StatusActive)
		r.expect("going", "gone")
		r.restart()
		after, err := r.Describe(ctx, named("coming"))
		if err != nil || after.Number != before.Number || !after.Created.Equal(before.Created) || len(after.Shards) != 2 {
			t.Errorf("%+v, %v; was %+v", after, err, before)
		}
		// A deleted stream's number is not used again, not even after a restart.
		if err := r.Create(ctx, named("next"), CreateOptions{ShardCount: 1}); err != nil {
			t.Fatal(err)
		}
		if next, _ := r.Describe(ctx, named("next")); next.Number <= 2 {
			t.Errorf("number %d was used before", next.Number)
		}
		r.stop()
	})
}

func TestCreateOptions(t *testing.T) {
	r := newRig(t, Config{})
	ctx := t.Context()
	for i, c := range []struct {
		options CreateOptions
		mode    Mode
		shards  int
		err     error
	}{
		{CreateOptions{}, ModeOnDemand, 4, nil},
		{CreateOptions{Mode: ModeOnDemand}, ModeOnDemand, 4, nil},
		{CreateOptions{ShardCount: 7}, ModeProvisioned, 7, nil},
		{CreateOptions{Mode: ModeProvisioned, ShardCount: 1, MaxRecordBytes: 2 << 20}, ModeProvisioned, 1, nil},
		{CreateOptions{Mode: ModeOnDemand, ShardCount: 1}, "", 0, ErrShardCount},
		{CreateOptions{Mode: ModeProvisioned}, "", 0, ErrShardCount},
		{CreateOptions{ShardCount: -1}, "", 0, ErrShardCount},
		{CreateOptions{Mode: "SOMETIMES"}, "", 0, ErrMode},
		{CreateOptions{MaxRecordBytes: 1<<20 - 1}, "", 0, ErrRecordBytes},
		{CreateOptions{MaxRecordBytes: 10<<20 + 1}, "", 0, ErrRecordBytes},
	} {
		name := fmt.Sprint("s", i)
		err := r.Create(ctx, named(name), c.options)
		if !errors.Is(err, c.err) || c.err == nil && err != nil {
			t.Errorf("%+v: %v, want %v", c.options, err, c.err)
		}
		if c.err != nil {
			continue
		}
		if st := r.await(name, StatusActive); st.Mode != c.mode || st.OpenShards() != c.shards {
			t.Errorf("%+v: %s with %d shards", c.options, st.Mode, st.OpenShards())
		}
	}
	for _, bad := range []Name{{testAccount, testRegion, ""}, {testAccount, testRegion, "a/b"}, {testAccount, testRegion, fmt.Sprintf("%0129d", 1)}, {"12", testRegion, "s"}, {testAccount, "", "s"}} {
		if err := r.Create(ctx, bad, CreateOptions{}); !errors.Is(err, ErrName) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestCreateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second, ShardLimit: 300})
		ctx := t.Context()
		create := func(name string, o CreateOptions) error { return r.Create(ctx, named(name), o) }
		// Nothing may be allocated for what is refused.
		err := create("huge", CreateOptions{ShardCount: 10_000_000})
		if limit, ok := errors.AsType[*ShardLimitError](err); !ok || *limit != (ShardLimitError{Open: 0, More: 10_000_000, Limit: 300}) {
			t.Errorf("10 million shards: %v", err)
		}
		for i := range 5 {
			if err := create(fmt.Sprint("s", i), CreateOptions{ShardCount: 10}); err != nil {
				t.Fatal(err)
			}
		}
		if err := create("sixth", CreateOptions{ShardCount: 1}); !errors.As(err, new(*CreatingLimitError)) {
			t.Errorf("sixth: %v", err)
		}
		other := Name{"999999999999", testRegion, "s0"}
		if err := r.Create(ctx, other, CreateOptions{ShardCount: 300}); err != nil {
			t.Errorf("another account: %v", err)
		}
		r.pass(time.Second)
		err = create("much", CreateOptions{ShardCount: 251})
		if limit, ok := errors.AsType[*ShardLimitError](err); !ok || *limit != (ShardLimitError{Open: 50, More: 251, Limit: 300}) {
			t.Errorf("251 shards beside 50: %v", err)
		}
		for i := range 50 {
			if err := create(fmt.Sprint("d", i), CreateOptions{}); err != nil {
				t.Fatalf("on-demand stream %d: %v", i, err)
			}
			r.pass(time.Second)
		}
		err = create("d51", CreateOptions{})
		if limit, ok := errors.AsType[*OnDemandLimitError](err); !ok || *limit != (OnDemandLimitError{50, 50}) {
			t.Errorf("51st on-demand stream: %v", err)
		}
		if err := create("last", CreateOptions{ShardCount: 50}); err != nil {
			t.Errorf("exactly the limit: %v", err)
		}
		r.stop()
	})
}

func TestListStreams(t *testing.T) {
	r := newRig(t, Config{})
	ctx := t.Context()
	for _, name := range []string{"b", "a", "C", "a-1", "_x"} {
		r.make(name, 1)
	}
	if err := r.Create(ctx, Name{testAccount, "us-east-1", "elsewhere"}, CreateOptions{ShardCount: 1}); err != nil {
		t.Fatal(err)
	}
	list := func(after string, limit int) string {
		streams, more, err := r.List(ctx, testAccount, testRegion, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		names := ""
		for _, st := range streams {
			names += st.Name.Name + " "
		}
		return fmt.Sprint(names, more)
	}
	for _, c := range []struct {
		after string
		limit int
		want  string
	}{{"", 10, "C _x a a-1 b false"}, {"", 2, "C _x true"}, {"_x", 2, "a a-1 true"}, {"a-1", 2, "b false"}, {"aa", 5, "b false"}, {"b", 5, "false"}} {
		if got := list(c.after, c.limit); got != c.want {
			t.Errorf("after %q, %d: %s, want %s", c.after, c.limit, got, c.want)
		}
	}
}

// A clock that was set back does not keep a stream or a consumer in a transition until it has caught up, also not after a
// restart, and does not keep shards open that were created before.
func TestTransitionsEndWhenTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock, TransitionDelay: time.Minute})
		ctx, name := t.Context(), named("s")
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
			t.Fatal(err)
		}
		setBack := func() {
			clock.swing(-48 * time.Hour)
			r.restart()
			r.pass(time.Second)
		}
		setBack()
		r.expect("s", StatusActive)
		for _, target := range []int{2, 4} {
			if _, err := r.UpdateShardCount(ctx, name, target); err != nil {
				t.Fatal(err)
			}
			r.expect("s", StatusUpdating)
			setBack()
			r.expect("s", StatusActive)
			if st := r.describe("s"); st.OpenShards() != target {
				t.Errorf("%d shards are open, not %d", st.OpenShards(), target)
			}
		}
		// The same change without another jump, of shards whose beginning is two days ahead.
		if _, err := r.UpdateShardCount(ctx, name, 2); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Minute)
		r.expect("s", StatusActive)
		c, err := r.RegisterConsumer(ctx, name, "c", nil)
		if err != nil {
			t.Fatal(err)
		}
		setBack()
		if got := r.consumerStatus(c.ID()); got != StatusActive {
			t.Errorf("the consumer is %s", got)
		}
		if err := r.DeregisterConsumer(ctx, c.ID()); err != nil {
			t.Fatal(err)
		}
		setBack()
		if got := r.consumerStatus(c.ID()); got != "gone" {
			t.Errorf("the consumer is %s", got)
		}
		for _, sh := range r.describe("s").Shards {
			if !sh.Open() && sh.Closed.Before(sh.Created) {
				t.Errorf("%+v", sh)
			}
		}
		r.stop()
	})
}
