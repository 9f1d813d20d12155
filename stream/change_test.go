package stream

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// toMode asks for another mode, through UPDATING.
func (r *rig) toMode(name string, mode Mode) error {
	return r.beginUpdate(r.t.Context(), named(name), func(*live) (change, error) { return change{Mode: mode}, nil })
}

func (r *rig) describe(name string) Stream {
	r.t.Helper()
	st, err := r.Describe(context.Background(), named(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return st
}

func TestChangeGoesThroughUpdating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second})
		ctx, name := t.Context(), named("s")
		if err := r.toMode("s", ModeOnDemand); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("no stream: %v", err)
		}
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
			t.Fatal(err)
		}
		inState := func(want Status) {
			t.Helper()
			state, ok := errors.AsType[*StateError](r.toMode("s", ModeProvisioned))
			if !ok || *state != (StateError{name, want}) {
				t.Errorf("change of a stream that is %s: %v", want, state)
			}
		}
		inState(StatusCreating)
		r.pass(time.Second)
		st := r.describe("s")

		if err := r.toMode("s", ModeOnDemand); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusUpdating)
		inState(StatusUpdating)
		// It is used as ever, and nothing of the change is to be seen.
		p := r.put("s", "a", "meanwhile")
		if it, err := r.NewIterator(ctx, name, 0, Start{Type: AtSequenceNumber, SequenceNumber: p.SequenceNumber}); err != nil {
			t.Error(err)
		} else if page, err := r.GetRecords(ctx, testAccount, testRegion, it, 0); err != nil || len(page.Records) != 1 {
			t.Errorf("read while UPDATING: %d records, %v", len(page.Records), err)
		}
		if shards, _, err := r.ListShards(ctx, ShardQuery{Name: name}, 10); err != nil || len(shards) != 1 {
			t.Errorf("shards while UPDATING: %v, %v", shards, err)
		}
		// A change that counts at once does not disturb the one that does not.
		if err := r.edit(ctx, name, func(next *live) error { next.stream.Retention = 48 * time.Hour; return nil }); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second - time.Nanosecond)
		r.expect("s", StatusUpdating)
		if got := r.describe("s"); got.Mode != ModeProvisioned || got.Retention != 48*time.Hour {
			t.Errorf("before its time: %+v", got)
		}
		r.pass(time.Nanosecond)
		r.expect("s", StatusActive)
		if got := r.describe("s"); got.Mode != ModeOnDemand || got.Retention != 48*time.Hour || got.Number != st.Number {
			t.Errorf("%+v", got)
		}
		r.restart()
		if got := r.describe("s"); got.Mode != ModeOnDemand || got.Status != StatusActive {
			t.Errorf("after a restart: %+v", got)
		}
		if err := r.Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
		inState(StatusDeleting)
		r.stop()
	})
}

func TestChangeGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Minute})
		for _, name := range []string{"s", "deleted"} {
			if err := r.Create(t.Context(), named(name), CreateOptions{ShardCount: 2}); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(time.Minute)
		for _, name := range []string{"s", "deleted"} {
			if err := r.toMode(name, ModeOnDemand); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Delete(t.Context(), named("deleted")); err != nil {
			t.Fatal(err)
		}
		r.pass(30 * time.Second)
		r.restart()
		r.expect("s", StatusUpdating)
		if got := r.describe("s"); got.Mode != ModeProvisioned || got.OpenShards() != 2 {
			t.Errorf("%+v", got)
		}
		r.put("s", "a", "x")
		r.pass(30 * time.Second)
		r.expect("s", StatusActive)
		r.expect("deleted", "gone")
		if got := r.describe("s"); got.Mode != ModeOnDemand {
			t.Errorf("%+v", got)
		}
		r.stop()
	})
}

// TestChangeWithoutDelay has the answer come before the change.
func TestChangeWithoutDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.make("s", 1)
		if err := r.toMode("s", ModeOnDemand); err != nil {
			t.Fatal(err)
		}
		if got := r.describe("s"); got.Mode == ModeOnDemand != (got.Status == StatusActive) {
			t.Errorf("%+v", got)
		}
		r.expect("s", StatusActive)
		if got := r.describe("s"); got.Mode != ModeOnDemand {
			t.Errorf("%+v", got)
		}
		r.stop()
	})
}

func TestRefusedEditsChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.make("s", 1)
		refusal := errors.New("no")
		for _, want := range []error{nil, refusal} {
			err := r.edit(t.Context(), named("s"), func(next *live) error {
				next.stream.Retention = time.Hour
				if want == nil {
					return errUnchanged
				}
				return want
			})
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		err := r.beginUpdate(t.Context(), named("s"), func(next *live) (change, error) {
			next.stream.Retention = time.Hour
			return change{}, refusal
		})
		if got := r.describe("s"); !errors.Is(err, refusal) || got.Retention != 24*time.Hour || got.Status != StatusActive {
			t.Errorf("%+v, %v", got, err)
		}
		r.stop()
	})
}

func TestRequestsWithinAPeriod(t *testing.T) {
	t0, day := time.Unix(1700000000, 0), 24*time.Hour
	var none requests
	one := none.with("A", day, t0)
	two := one.with("A", day, t0.Add(time.Hour)).with("B", day, t0)
	for i, c := range []struct {
		r    requests
		kind string
		at   time.Duration
		want int
	}{{none, "A", 0, 0}, {one, "A", 0, 1}, {two, "A", time.Hour, 2}, {two, "B", time.Hour, 1}, {two, "A", day - 1, 2}, {two, "A", day, 1}, {two, "A", day + time.Hour, 0}} {
		if got := c.r.within(c.kind, day, t0.Add(c.at)); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
	if n := len(two.with("A", day, t0.Add(2*day))["A"]); n != 1 {
		t.Errorf("%d are remembered", n)
	}
}
