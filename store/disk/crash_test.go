package disk_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/faultfs"
	"github.com/millrace/millrace/store/storetest"
)

// A crash at every point: a workload runs over a disk in memory that forgets what was not synced. Ahead of every
// operation that changes the disk, the disk is cloned as a crash at that moment could leave it (nothing, half or all of
// what was not synced is kept, in pieces), and the store is opened from the clone and held against what had been
// acknowledged. Opening is crashed at every point too.

// crash is what one crash left.
type crash struct {
	point  int
	op     faultfs.Op
	clone  *vfs.MemFS
	first  storetest.Record // before the clone was made
	second storetest.Record // and after
}

func (c crash) String() string { return fmt.Sprintf("crash %d, at %s", c.point, c.op) }

// crasher clones a disk ahead of its operations.
type crasher struct {
	mem      *vfs.MemFS
	fs       *faultfs.FS
	workload *storetest.Workload
	seed     uint64
	every    int // one of how many operations
	crashes  chan crash
	point    atomic.Int64
}

func newCrasher(mem *vfs.MemFS, w *storetest.Workload, seed uint64, every int) *crasher {
	c := &crasher{mem: mem, fs: faultfs.New(mem), workload: w, seed: seed, every: every, crashes: make(chan crash)}
	c.fs.Watch(c.watch)
	return c
}

func (c *crasher) watch(op faultfs.Op) {
	if op.Kind == faultfs.Open || op.Kind == faultfs.Read {
		return
	}
	point := int(c.point.Add(1))
	if (point+int(c.seed))%c.every != 0 {
		return
	}
	rng := rand.New(rand.NewPCG(c.seed, uint64(point)))
	first := c.workload.Record()
	clone := c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[point/c.every%3], RNG: rng})
	c.crashes <- crash{point: point, op: op, clone: clone, first: first, second: c.workload.Record()}
}

// verify checks every crash until there are no more, and returns how many there were.
func (c *crasher) verify(t *testing.T, check func(crash)) int {
	var n atomic.Int64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for crash := range c.crashes {
				check(crash)
				n.Add(1)
			}
		})
	}
	group.Wait()
	return int(n.Load())
}

const (
	crashDir      = "/data/store"
	crashMemtable = 256 << 10
)

func crashOptions(fs vfs.FS) disk.Options {
	return disk.Options{Dir: crashDir, FS: fs, MemtableBytes: crashMemtable}.Eager()
}

// recovers opens the store that a crash left and holds it against the record.
func recovers(t *testing.T, w *storetest.Workload, c crash) {
	s, err := disk.Open(crashOptions(c.clone))
	if err != nil {
		t.Errorf("%s: %v", c, err)
		return
	}
	w.CheckBetween(t, s, c.first, c.second)
	w.Probe(t, s, c.first)
	if err := s.Close(); err != nil {
		t.Errorf("%s: close: %v", c, err)
	}
}

func TestCrashAtEveryPoint(t *testing.T) {
	w := storetest.NewWorkload(1, 1)
	c := newCrasher(vfs.NewCrashableMem(), w, 1, 1)
	go func() {
		defer close(c.crashes)
		runWithCloses(t, c.fs, w, 3, 60)
	}()
	n := c.verify(t, func(crash crash) { recovers(t, w, crash) })
	t.Logf("%d crashes", n)
	if n < 500 {
		t.Errorf("only %d crashes: does the watcher still see the disk?", n)
	}
}

// TestCrashUnderLoad crashes with many writers under way at once, and so long that tables are flushed and compacted.
func TestCrashUnderLoad(t *testing.T) {
	seeds, every := 3, 37
	if testing.Short() || race.Enabled {
		seeds, every = 1, 101
	}
	for seed := range uint64(seeds) {
		w := storetest.NewWorkload(seed+2, 6)
		c := newCrasher(vfs.NewCrashableMem(), w, seed, every)
		go func() {
			defer close(c.crashes)
			runWithCloses(t, c.fs, w, 2, 400)
		}()
		n := c.verify(t, func(crash crash) { recovers(t, w, crash) })
		t.Logf("seed %d: %d crashes", seed, n)
	}
}

// TestCrashWhileRecovering crashes a store, and then its opening at every point.
func TestCrashWhileRecovering(t *testing.T) {
	every := 500
	if testing.Short() || race.Enabled {
		every = 2000
	}
	w := storetest.NewWorkload(9, 4)
	outer := newCrasher(vfs.NewCrashableMem(), w, 9, every)
	go func() {
		defer close(outer.crashes)
		runWithCloses(t, outer.fs, w, 2, 300)
	}()
	var twice atomic.Int64
	outer.verify(t, func(first crash) {
		again := newCrasher(first.clone, w, 3, 2)
		go func() {
			defer close(again.crashes)
			s, err := disk.Open(crashOptions(again.fs))
			if err != nil {
				t.Errorf("%s: %v", first, err)
				return
			}
			if err := s.Close(); err != nil {
				t.Errorf("%s: close: %v", first, err)
			}
		}()
		n := again.verify(t, func(second crash) {
			second.first, second.second = first.first, first.second
			recovers(t, w, second)
		})
		twice.Add(int64(n))
	})
	t.Logf("%d crashes while recovering", twice.Load())
	if twice.Load() == 0 {
		t.Error("no crash while recovering")
	}
}

// runWithCloses runs the workload in several goes, closing the store in between.
func runWithCloses(t *testing.T, fs vfs.FS, w *storetest.Workload, goes, acts int) {
	for range goes {
		s, err := disk.Open(crashOptions(fs))
		if err != nil {
			t.Errorf("open: %v", err)
			return
		}
		if err := w.Run(context.Background(), s, acts); err != nil {
			t.Errorf("run: %v", err)
		}
		w.Check(t, s, w.Record())
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}
