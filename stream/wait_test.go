package stream

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"
)

// bubbleClock is the bubble's own.
var bubbleClock = clockwork.NewRealClock()

// slowDisk is a file system in memory whose syncs take a time.
type slowDisk struct {
	vfs.FS
	sync time.Duration
}

func (d slowDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return slowFile{f, d.sync}, err
}

func (d slowDisk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(oldname, newname, c)
	return slowFile{f, d.sync}, err
}

type slowFile struct {
	vfs.File
	sync time.Duration
}

func (f slowFile) SyncData() error {
	bubbleClock.Sleep(f.sync)
	return f.File.SyncData()
}

func (f slowFile) Sync() error {
	bubbleClock.Sleep(f.sync)
	return f.File.Sync()
}

// TestPutWaitsForOneAndAHalfSyncs: a put that comes at any moment waits for the rest of the sync under way, which is half
// of one in the mean, and for its own; and all that came to a shard meanwhile is one block. Time is virtual, so it counts
// syncs and nothing else.
func TestPutWaitsForOneAndAHalfSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards, puts, each = 4, 2000, time.Millisecond
		r := newRigOn(t, slowDisk{vfs.NewMem(), each}, Config{})
		st := r.make("s", shards)
		bubbleClock.Sleep(time.Second)
		rng := rand.New(rand.NewPCG(1, 1))
		var mu sync.Mutex
		var waited time.Duration
		var group sync.WaitGroup
		begun := time.Now()
		for i := range puts {
			bubbleClock.Sleep(time.Duration(rng.IntN(60)) * time.Microsecond) // some thirty a sync
			group.Go(func() {
				at := time.Now()
				r.put("s", fmt.Sprint(i), "x")
				mu.Lock()
				defer mu.Unlock()
				waited += time.Since(at)
			})
		}
		group.Wait()
		syncs := float64(time.Since(begun)) / float64(each)
		blocks := 0
		for i := range uint32(shards) {
			found, _ := r.drain(ShardKey{st.Number, i}, 0, 1000)
			blocks += int(found[len(found)-1].Position.ordinal())
		}
		mean := float64(waited) / puts / float64(each)
		t.Logf("a put waits for %.2f syncs, %.1f blocks of a shard a sync", mean, float64(blocks)/shards/syncs)
		if mean > 1.6 {
			t.Errorf("a put waits for %.2f syncs", mean)
		}
		if float64(blocks) > 1.1*shards*syncs {
			t.Errorf("%d blocks in %.0f syncs over %d shards", blocks, syncs, shards)
		}
		r.stop()
	})
}
