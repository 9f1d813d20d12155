package stream

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/store"
)

func TestRecordsExpireButNotEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 1)
		key := ShardKey{st.Number, 0}
		texts := func() []string { found, _ := r.drain(key, 0, 10); return texts(found) }
		first := r.put("s", "k", "1")
		clock.swing(time.Hour)
		r.put("s", "k", "2")
		clock.swing(time.Hour)
		r.put("s", "k", "3")
		clock.swing(22 * time.Hour)
		r.sweep(t.Context())
		if got := texts(); !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Errorf("after exactly 24 hours: %v", got)
		}
		clock.swing(time.Microsecond)
		if got := texts(); !slices.Equal(got, []string{"2", "3"}) { // no sweep was needed
			t.Errorf("after a microsecond more: %v", got)
		}
		it, err := r.Seek(t.Context(), key, Start{Type: AtSequenceNumber, SequenceNumber: first.SequenceNumber})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := r.Read(t.Context(), key, it, 1, 1); err != nil || string(b.Records[0].Data) != "2" {
			t.Errorf("at the expired record: %v, %v", b, err)
		}
		if got := r.blocks(key); got != 3 {
			t.Errorf("%d blocks before the sweep", got)
		}
		r.sweep(t.Context())
		if got := r.blocks(key); got != 2 {
			t.Errorf("%d blocks after the sweep", got)
		}
		clock.swing(30 * time.Hour)
		if got := texts(); got != nil {
			t.Errorf("after two days: %v", got)
		}
		r.sweep(t.Context())
		if got := r.blocks(key); got != 0 {
			t.Errorf("%d blocks after two days", got)
		}
		if r.tail.bytes != 0 {
			t.Errorf("the tail keeps %d bytes of expired records", r.tail.bytes)
		}
		// What comes now is kept again, and swept again.
		for range 2 {
			r.put("s", "k", "4")
			if got := texts(); !slices.Equal(got, []string{"4"}) {
				t.Error(got)
			}
			clock.swing(25 * time.Hour)
			r.sweep(t.Context())
			if got := r.blocks(key); got != 0 {
				t.Errorf("%d blocks", got)
			}
			r.restart()
		}
		r.stop()
	})
}

func TestRecordsExpireInsideABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 1)
		key := ShardKey{st.Number, 0}
		g := r.gate()
		done := r.putLater(t.Context(), "s", entries("0.", 1))
		<-g.at
		// Two puts that gather in one block, an hour apart.
		old := r.putLater(t.Context(), "s", entries("old.", 2))
		synctest.Wait()
		clock.swing(time.Hour)
		young := r.putLater(t.Context(), "s", entries("young.", 2))
		synctest.Wait()
		g.pass <- nil
		<-g.at
		g.pass <- nil
		<-done
		<-old
		<-young
		clock.swing(24*time.Hour - time.Minute)
		for _, restart := range []bool{false, true} {
			if restart {
				r.restart()
			}
			found, _ := r.drain(key, 0, 1)
			if got := texts(found); !slices.Equal(got, []string{"young.0", "young.1"}) {
				t.Errorf("restart %v: %v", restart, got)
			}
		}
		r.stop()
	})
}

func TestSweepRunsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 2)
		r.put("s", "a", "x")
		clock.swing(25 * time.Hour)
		r.pass(sweepEvery)
		if got := r.blocks(ShardKey{st.Number, 0}); got != 0 {
			t.Errorf("%d blocks", got)
		}
		r.stop()
	})
}

// TestExpiredBacklogIsNotReadThrough restarts over much that has expired: a reader must find its end by search.
func TestExpiredBacklogIsNotReadThrough(t *testing.T) {
	clock := newSwingingClock()
	r := newRig(t, Config{Clock: clock, TailBytes: 1})
	st := r.make("s", 1)
	for range 300 {
		r.put("s", "k", "old")
	}
	clock.swing(25 * time.Hour)
	r.put("s", "k", "new")
	before := r.hooks.reads.Load()
	found, _ := r.drain(ShardKey{st.Number, 0}, 0, 10)
	if got := texts(found); !slices.Equal(got, []string{"new"}) {
		t.Error(got)
	}
	if n := r.hooks.reads.Load() - before; n > 20 {
		t.Errorf("%d of 301 blocks were read", n)
	}
}

func (r *rig) blocks(key ShardKey) (n int) {
	r.t.Helper()
	for _, err := range r.hooks.Store.ReadBlocks(r.t.Context(), store.LogID{Stream: key.Stream, Shard: key.Index}, 0) {
		if err != nil {
			r.t.Fatal(err)
		}
		n++
	}
	return n
}
