package logs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/store/disk"
)

// TestAcknowledgedEventsSurviveACrash clones the disk, as a loss of power would leave it, again and again while events are
// put, extents sealed and old ones dropped. On each clone everything that was acknowledged before is there, in order, but
// for the oldest that may have made room.
func TestAcknowledgedEventsSurviveACrash(t *testing.T) {
	const writers, rounds = 4, 12
	crashes := 12
	if race.Enabled {
		crashes = 3
	}
	fs := vfs.NewCrashableMem()
	s, err := disk.Open(disk.Options{Memory: true, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	clock := clockwork.NewFakeClockAt(noon)
	config := logs.Config{Store: s, Clock: clock, GroupBytes: 4 << 20}
	service, err := logs.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := service.CreateGroup(t.Context(), orders, logs.Settings{}); err != nil {
		t.Fatal(err)
	}
	for w := range writers {
		if err := service.CreateStream(t.Context(), orders, fmt.Sprint(w)); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	acked := map[string]int{} // how many of a stream's events were acknowledged
	rng := rand.New(rand.NewPCG(1, 1))
	filling := strings.Repeat("x", 30_000)
	for crash := range crashes {
		done := make(chan struct{}, writers*rounds)
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for range rounds {
					stream := fmt.Sprint(w)
					mu.Lock()
					n := acked[stream]
					mu.Unlock()
					_, err := service.Put(context.Background(), orders, stream, []logs.Event{at(clock.Now(), fmt.Sprint(n, ".", filling))})
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					acked[stream]++
					mu.Unlock()
					done <- struct{}{}
				}
			})
		}
		for range rng.IntN(writers * rounds) {
			<-done
		}
		mu.Lock()
		before := map[string]int{}
		for stream, n := range acked {
			before[stream] = n
		}
		mu.Unlock()
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[crash%3], RNG: rng})
		group.Wait()
		checkClone(t, crash, clone, config, before)
	}
}

func checkClone(t *testing.T, crash int, clone vfs.FS, config logs.Config, acked map[string]int) {
	t.Helper()
	s, err := disk.Open(disk.Options{Memory: true, FS: clone})
	if err != nil {
		t.Fatalf("crash %d: %v", crash, err)
	}
	defer s.Close()
	config.Store = s
	service, err := logs.New(config)
	if err != nil {
		t.Fatalf("crash %d: %v", crash, err)
	}
	r := &room{t: t, Service: service}
	for stream, n := range acked {
		found := r.pages(logs.Query{Streams: []string{stream}, Limit: 1000})
		if len(found) == 0 && n == 0 {
			continue
		}
		for i, name := range found {
			if i > 0 && name != fmt.Sprint(mustNumber(t, found[i-1])+1) {
				t.Fatalf("crash %d: %s follows %s", crash, name, found[i-1])
			}
		}
		if len(found) == 0 || mustNumber(t, found[len(found)-1]) < n-1 {
			t.Fatalf("crash %d: of %d acknowledged events of stream %s there are %v", crash, n, stream, found)
		}
		if first := mustNumber(t, found[0]); first > 0 && len(found) < 20 {
			t.Errorf("crash %d: only %v are left of %s", crash, found, stream)
		}
	}
}

func mustNumber(t *testing.T, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
