package stream

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetentionPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 1)
		key, name := ShardKey{st.Number, 0}, named("s")
		set := func(f func() error) {
			t.Helper()
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(when string, want ...string) {
			t.Helper()
			if found, _ := r.drain(key, 0, 10); !slices.Equal(texts(found), want) {
				t.Errorf("%s: %q, want %q", when, texts(found), want)
			}
		}
		increase := func(hours int) func() error {
			return func() error { return r.IncreaseRetention(t.Context(), name, hours) }
		}
		decrease := func(hours int) func() error {
			return func() error { return r.DecreaseRetention(t.Context(), name, hours) }
		}
		r.put("s", "k", "1")
		clock.swing(20 * time.Hour)
		r.put("s", "k", "2")
		set(increase(72))
		clock.swing(20 * time.Hour)
		r.put("s", "k", "3")
		expect("kept for longer", "1", "2", "3")
		r.sweep(t.Context())
		expect("and not swept", "1", "2", "3")
		set(decrease(30))
		expect("at once, without a sweep", "2", "3")
		set(increase(72))
		expect("what is gone stays gone", "2", "3")
		r.restart()
		expect("after a restart too", "2", "3")
		// Nor does it come back by its number.
		at, err := r.Seek(t.Context(), key, Start{Type: AtTimestamp, Timestamp: st.Created})
		if err != nil || at != 0 {
			t.Errorf("seek before the horizon: %d, %v", at, err)
		}
		clock.swing(30 * time.Hour)
		expect("the longer period counts from then on", "2", "3")
		clock.swing(23 * time.Hour)
		expect("until it is over", "3")
		r.sweep(t.Context())
		if n := r.blocks(key); n != 1 {
			t.Errorf("%d blocks", n)
		}
		r.stop()
	})
}

func TestRetentionPeriodBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.make("s", 1)
		ctx, name := t.Context(), named("s")
		if err := r.IncreaseRetention(ctx, name, 48); err != nil {
			t.Fatal(err)
		}
		for hours, bad := range map[int][2]bool{ // increase, decrease
			-1 << 40: {true, true}, 23: {true, true}, 24: {true, false}, 47: {true, false}, 48: {false, false}, 49: {false, true},
			8760: {false, true}, 8761: {true, true}, 1 << 40: {true, true},
		} {
			for i, f := range []func() error{
				func() error { return r.IncreaseRetention(ctx, name, hours) }, func() error { return r.DecreaseRetention(ctx, name, hours) },
			} {
				refused, _ := errors.AsType[*RetentionError](f())
				if (refused != nil) != bad[i] || refused != nil && (refused.Asked != hours || refused.Existing != 48) {
					t.Errorf("%d hours, decrease %d: %v", hours, i, refused)
				}
				// Back to where it was, from below or from above.
				if err := r.IncreaseRetention(ctx, name, 48); err != nil && r.DecreaseRetention(ctx, name, 48) != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.IncreaseRetention(ctx, named("none"), 48); !errors.As(err, new(*NotFoundError)) {
			t.Error(err)
		}
		r.stop()
	})
}
