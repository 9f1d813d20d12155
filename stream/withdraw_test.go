package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/millrace/millrace/store"
)

// TestContextsThatEndAtAnyMoment cancels puts while they wait, while they are given the lead and while they lead. No
// put hangs, what was acknowledged is there, and nothing is there twice.
func TestContextsThatEndAtAnyMoment(t *testing.T) {
	const writers, rounds, shards = 12, 150, 2
	r := newRig(t, Config{})
	st := r.make("s", shards)
	r.hooks.set(func(store.LogID) error { runtime.Gosched(); return nil }, nil)
	var mu sync.Mutex
	want := make(map[string]bool)
	cancelled := 0
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 0))
			for i := range rounds {
				ctx, cancel := context.WithCancel(t.Context())
				var canceller sync.WaitGroup
				if rng.IntN(2) == 0 {
					spins := rng.IntN(40)
					canceller.Go(func() {
						for range spins {
							runtime.Gosched()
						}
						cancel()
					})
				}
				list := entries(fmt.Sprint(w, ".", i, "."), 1+rng.IntN(3))
				puts, err := r.Put(ctx, st.Name, list)
				canceller.Wait()
				cancel()
				mu.Lock()
				switch {
				case errors.Is(err, context.Canceled):
					cancelled++
				case err != nil:
					t.Errorf("put: %v", err)
				}
				for j, p := range puts {
					want[string(list[j].Data)] = p.Err == nil
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	found := make(map[string]bool)
	for i := range shards {
		records, _ := r.drain(ShardKey{st.Number, uint32(i)}, 0, 100)
		for _, text := range texts(records) {
			if found[text] {
				t.Errorf("%s is there twice", text)
			}
			found[text] = true
		}
	}
	for text, acknowledged := range want {
		if !acknowledged || !found[text] {
			t.Errorf("%s: acknowledged %v, found %v", text, acknowledged, found[text])
		}
	}
	if cancelled == 0 {
		t.Error("no put was withdrawn: the test shows nothing")
	}
	t.Logf("%d of %d puts withdrawn, %d records", cancelled, writers*rounds, len(found))
}
