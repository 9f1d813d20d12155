package disk_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/faultfs"
	"github.com/millrace/millrace/store/storetest"
)

// TestSlowDisk: on a disk that takes long, calls end with their contexts, and what they began goes on by itself.
func TestSlowDisk(t *testing.T) {
	fs := faultfs.New(vfs.NewCrashableMem())
	s := mustOpen(t, crashOptions(fs))
	log := store.LogID{Stream: 1}
	if _, err := s.Append(t.Context(), log, store.Data("before")); err != nil {
		t.Fatal(err)
	}
	// The disk hangs at the first sync from here on, until it is let go.
	hang, hung := make(chan struct{}), make(chan struct{})
	var once sync.Once
	fs.Watch(func(op faultfs.Op) {
		if op.Kind == faultfs.Sync {
			once.Do(func() { close(hung) })
			<-hang
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	calls := map[string]func() error{
		"Append": func() error { _, err := s.Append(ctx, log, store.Data("during")); return err },
		"Commit": func() error { return s.Commit(ctx, store.Write{Table: "t", Key: "k", Value: []byte("v")}) },
		"Trim":   func() error { return s.Trim(ctx, store.LogID{Stream: 1}, 2) },
		"Drop":   func() error { return s.DropLogs(ctx, 2) },
		"Blob":   func() error { _, _, err := s.PutBlob(ctx, strings.NewReader("x"), 10); return err },
		"Delete": func() error { return s.DeleteBlob(ctx, store.BlobID{}) },
	}
	answers := make(chan string, len(calls))
	for name, call := range calls {
		go func() {
			if err := call(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			answers <- name
		}()
	}
	<-hung
	// Reading does not wait for writing, and shows nothing that is not durable.
	if bounds, err := s.Bounds(t.Context(), log); err != nil || bounds.Last != 1 {
		t.Errorf("bounds on a disk that hangs: %+v, %v", bounds, err)
	}
	if _, err := s.Get(t.Context(), "t", "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get of what is not durable: %v", err)
	}
	for range s.Scan(t.Context(), "t", "", "") {
		t.Error("scan of what is not durable")
	}
	cancel()
	for range calls {
		<-answers
	}
	close(hang)
	// A write behind them is answered when they are durable.
	if _, err := s.Append(t.Context(), store.LogID{Stream: 3}, store.Data("behind")); err != nil {
		t.Fatal(err)
	}
	// Whether what was given up while the disk hung came to be is open, by the contract.
	if bounds, err := s.Bounds(t.Context(), log); err != nil || bounds.Last > 2 {
		t.Errorf("bounds after the hang: %+v, %v", bounds, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestSlowSyncs runs the workload on a disk with slow syncs: it takes longer, and nothing else changes.
func TestSlowSyncs(t *testing.T) {
	fs := faultfs.New(vfs.NewCrashableMem())
	fs.Set(faultfs.Fault{Op: faultfs.Sync, Delay: 2 * time.Millisecond})
	o := crashOptions(fs)
	s := mustOpen(t, o)
	w := storetest.NewWorkload(1, 16)
	if err := w.Run(t.Context(), s, 50); err != nil {
		t.Error(err)
	}
	w.Check(t, s, w.Record())
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	goesOn(t, o, 1, 16, w.Record())
}

// TestBoundedWhileHanging: on a disk that hangs, writers are held back instead of being taken in without end.
func TestBoundedWhileHanging(t *testing.T) {
	fs := faultfs.New(vfs.NewCrashableMem())
	s := mustOpen(t, crashOptions(fs))
	hang := make(chan struct{})
	fs.Watch(func(op faultfs.Op) {
		if op.Kind == faultfs.Sync {
			<-hang
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	block := make([]byte, 4*mib)
	var group sync.WaitGroup
	for i := range 64 { // four times what may be under way
		group.Go(func() {
			if _, err := s.Append(ctx, store.LogID{Stream: uint64(i)}, store.Data(block)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("append %d: %v", i, err)
			}
		})
	}
	group.Wait()
	close(hang)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = mustOpen(t, crashOptions(fs))
	held := 0
	for i := range 64 {
		bounds, err := s.Bounds(t.Context(), store.LogID{Stream: uint64(i)})
		if err != nil {
			t.Fatal(err)
		}
		held += int(bounds.Last)
	}
	if held == 0 || held > 16 {
		t.Errorf("%d blocks of 4 MiB were taken in", held)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
