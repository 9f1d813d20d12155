package disk_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/faultfs"
	"github.com/millrace/millrace/store/storetest"
)

const mib = 1 << 20

// fullDisk is a disk of limited size with a store on it.
type fullDisk struct {
	fs *faultfs.FS
	o  disk.Options
	s  *disk.Store
	w  *storetest.Workload
}

func newFullDisk(t *testing.T, size int64, o disk.Options) *fullDisk {
	d := &fullDisk{fs: faultfs.New(vfs.NewCrashableMem()), w: storetest.NewWorkload(1, 4)}
	d.fs.SetSize(size)
	o.Dir, o.FS, o.MemtableBytes, o.RetryInterval = crashDir, d.fs, mib, 2*time.Millisecond
	d.o = o
	d.s = mustOpen(t, d.o)
	return d
}

// fill writes until the disk is full, and checks that this is what the writers were told and that all else is well.
func (d *fullDisk) fill(t *testing.T) {
	t.Helper()
	for range 10_000 {
		err := d.w.Run(t.Context(), d.s, 20)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrFull) {
			t.Fatalf("a full disk is called: %v", err)
		}
		d.w.Check(t, d.s, d.w.Record())
		return
	}
	t.Fatal("the disk does not fill up")
}

// awaitRoom writes until a write goes through.
func (d *fullDisk) awaitRoom(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, err := d.s.Append(t.Context(), store.LogID{Stream: 1 << 40}, store.Data("room?"))
		if err == nil {
			return
		}
		if !errors.Is(err, store.ErrFull) || time.Now().After(deadline) {
			t.Fatalf("with room again: %v", err)
		}
	}
}

// goOn checks that all is well and stays so, also after opening the store again.
func (d *fullDisk) goOn(t *testing.T) {
	t.Helper()
	if err := d.w.Settle(t.Context(), d.s); err != nil {
		t.Fatalf("settle: %v", err)
	}
	d.w.Check(t, d.s, d.w.Record())
	if err := d.w.Run(t.Context(), d.s, 50); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	d.w.Check(t, d.s, d.w.Record())
	if err := d.s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	d.s = mustOpen(t, d.o)
	d.w.Check(t, d.s, d.w.Record())
	if err := d.s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func (d *fullDisk) hasBallast() bool {
	_, err := d.fs.Stat(d.fs.PathJoin(d.o.Dir, "ballast"))
	return err == nil
}

// TestReserve: the store stops taking in before the disk is full, and what frees space still works.
func TestReserve(t *testing.T) {
	d := newFullDisk(t, 48*mib, disk.Options{ReserveBytes: 16 * mib, BallastBytes: 2 * mib})
	log := store.LogID{Stream: 1 << 41}
	for range 8 {
		if _, err := d.s.Append(t.Context(), log, make(store.Data, mib)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.s.Commit(t.Context(), store.Write{Table: "t", Key: "k", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	d.fill(t)
	if free := 48*mib - d.fs.Used(); free < 8*mib {
		t.Errorf("only %d MiB of the reserve are left", free/mib)
	}
	if !d.hasBallast() {
		t.Error("the ballast was given up though the reserve held")
	}
	_, _, err := d.s.PutBlob(t.Context(), strings.NewReader(strings.Repeat("x", mib)), mib)
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("blob on a full disk: %v", err)
	}
	if err := d.s.Commit(t.Context(), store.Write{Table: "t", Key: "k", Delete: true}); err != nil {
		t.Errorf("deletion on a full disk: %v", err)
	}
	if err := d.s.Trim(t.Context(), log, 8); err != nil {
		t.Errorf("trim on a full disk: %v", err)
	}
	if err := d.s.DropLogs(t.Context(), log.Stream); err != nil {
		t.Errorf("drop on a full disk: %v", err)
	}
	d.fs.SetSize(200 * mib)
	d.awaitRoom(t)
	d.goOn(t)
}

// TestBallast: the free space cannot be seen, so a write meets the end of the disk. The ballast carries it through.
func TestBallast(t *testing.T) {
	d := newFullDisk(t, 24*mib, disk.Options{BallastBytes: 8 * mib})
	d.fs.HideUsage(true)
	if !d.hasBallast() {
		t.Fatal("no ballast")
	}
	for tries := 0; d.hasBallast(); tries++ {
		// A compaction that finds no room refuses writes for a moment, but does not get the ballast.
		if tries == 10_000 {
			t.Fatal("the ballast is still there")
		}
		d.fill(t)
		d.w.Forget()
	}
	d.fs.SetSize(200 * mib)
	d.awaitRoom(t)
	if !d.hasBallast() {
		t.Error("the ballast was not made again")
	}
	d.goOn(t)
}

// TestNoRoomAtAll: without a ballast the log itself gets stuck. Writers are answered, and what is stuck is durable once
// there is room.
func TestNoRoomAtAll(t *testing.T) {
	d := newFullDisk(t, 8*mib, disk.Options{BallastBytes: -1})
	d.fs.HideUsage(true)
	d.getStuck(t)
	d.w.Check(t, d.s, d.w.Record())
	if err := d.s.Trim(t.Context(), store.LogID{Stream: 1 << 42}, 2); !errors.Is(err, store.ErrFull) {
		t.Errorf("trim behind a stuck write: %v", err)
	}
	d.fs.SetSize(200 * mib)
	d.awaitRoom(t)
	d.goOn(t)
}

// getStuck writes until a write is neither done nor refused.
func (d *fullDisk) getStuck(t *testing.T) {
	t.Helper()
	for range 10_000 {
		_, err := d.s.Append(t.Context(), store.LogID{Stream: 1 << 42}, make(store.Data, 100_000))
		if err == nil {
			err = d.w.Run(t.Context(), d.s, 10)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrFull) && !strings.Contains(err.Error(), "the disk filled up") {
			t.Fatalf("a full disk is called: %v", err)
		}
		return
	}
	t.Fatal("the disk does not fill up")
}

// TestCloseWhileStuck: Close does not wait for room, and nothing that was acknowledged is lost.
func TestCloseWhileStuck(t *testing.T) {
	d := newFullDisk(t, 8*mib, disk.Options{BallastBytes: -1})
	d.fs.HideUsage(true)
	d.getStuck(t)
	if err := d.s.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	if _, err := disk.Open(d.o); !errors.Is(err, store.ErrFull) {
		t.Errorf("open on a full disk: %v", err)
	}
	d.fs.SetSize(200 * mib)
	d.s = mustOpen(t, d.o)
	d.w.Check(t, d.s, d.w.Record())
	d.goOn(t)
}

// TestDoubtIsDecided: a commit that the disk fills up under happens once there is room, and whoever settles the doubt
// sees it.
func TestDoubtIsDecided(t *testing.T) {
	d := newFullDisk(t, 8*mib, disk.Options{BallastBytes: -1})
	d.fs.HideUsage(true)
	d.fs.SetSize(d.fs.Used())
	const key = "k"
	if err := d.s.Commit(t.Context(), store.Write{Table: "t", Key: key, Value: make([]byte, 100_000)}); !store.InDoubt(err) {
		t.Fatalf("the commit is not in doubt: %v", err)
	}
	var found error
	doubts := store.NewDoubts(d.s)
	doubts.Add(key, func(ctx context.Context) error {
		_, found = d.s.Get(ctx, "t", key)
		return nil
	})
	if err := doubts.Settle(t.Context(), key); !errors.Is(err, store.ErrFull) {
		t.Errorf("settled without room: %v", err)
	}
	d.fs.SetSize(200 * mib)
	d.awaitRoom(t)
	if err := doubts.Settle(t.Context(), key); err != nil || found != nil || len(doubts.Open()) != 0 {
		t.Errorf("with room again: %v; the commit: %v", err, found)
	}
	d.goOn(t)
}

// TestOpenOnFullDisk: with a ballast to give up, the store opens on a full disk, and what it holds can be read.
func TestOpenOnFullDisk(t *testing.T) {
	d := newFullDisk(t, 64*mib, disk.Options{BallastBytes: 8 * mib})
	if err := d.w.Run(t.Context(), d.s, 200); err != nil {
		t.Fatal(err)
	}
	if err := d.s.Close(); err != nil {
		t.Fatal(err)
	}
	d.fs.SetSize(d.fs.Used())
	d.fs.HideUsage(true)
	d.s = mustOpen(t, d.o)
	d.w.Check(t, d.s, d.w.Record())
	if d.hasBallast() {
		t.Error("the ballast was not needed: was the disk full?")
	}
	d.fs.SetSize(d.fs.Used()) // what the opening freed goes to another program
	if _, err := d.s.Append(t.Context(), store.LogID{Stream: 1 << 42}, store.Data("x")); !errors.Is(err, store.ErrFull) {
		t.Errorf("append: %v", err)
	}
	d.fs.SetSize(200 * mib)
	d.awaitRoom(t)
	d.goOn(t)
}

// TestDiskComesAndGoes: other programs fill the disk and free it again, again and again.
func TestDiskComesAndGoes(t *testing.T) {
	d := newFullDisk(t, 400*mib, disk.Options{BallastBytes: 2 * mib, ReserveBytes: mib})
	rng := rng(1)
	for round := range 20 {
		d.fs.HideUsage(round%2 == 0)
		d.fs.SetSize(d.fs.Used() + rng.Int64N(4*mib))
		for range 30 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err := d.w.Run(ctx, d.s, 20)
			cancel()
			if err != nil && !errors.Is(err, store.ErrFull) && !strings.Contains(err.Error(), "the disk filled up") {
				t.Fatal(err)
			}
			if err != nil {
				break
			}
		}
		d.w.Check(t, d.s, d.w.Record())
		d.fs.SetSize(400 * mib)
		d.awaitRoom(t)
		if err := d.w.Settle(t.Context(), d.s); err != nil {
			t.Fatal(err)
		}
	}
	d.goOn(t)
}

// TestBlobMeetsFullDisk: a blob that does not fit leaves nothing behind.
func TestBlobMeetsFullDisk(t *testing.T) {
	d := newFullDisk(t, 16*mib, disk.Options{BallastBytes: -1})
	d.fs.HideUsage(true)
	before := d.fs.Used()
	_, _, err := d.s.PutBlob(t.Context(), bytes.NewReader(make([]byte, 20*mib)), 20*mib)
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("blob: %v", err)
	}
	if used := d.fs.Used(); used > before+mib {
		t.Errorf("the blob left %d bytes", used-before)
	}
	d.goOn(t)
}
