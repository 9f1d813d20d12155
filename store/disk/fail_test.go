package disk_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/faultfs"
	"github.com/millrace/millrace/store/storetest"
)

// TestVitalFailures breaks what the database cannot do without. Writing ends with an error, reading goes on, the process
// lives, and what was acknowledged is there when the store is opened again, whether the disk lost what was not synced
// or not.
func TestVitalFailures(t *testing.T) {
	eio := syscall.EIO
	faults := []faultfs.Fault{
		{Op: faultfs.Sync, File: "*.log", From: 40, Err: eio},
		{Op: faultfs.Sync, File: "*.log", From: 40, Times: 1, Err: eio}, // the next would succeed, and mean nothing
		{Op: faultfs.Write, File: "*.log", From: 40, Err: eio},
		{Op: faultfs.Create, File: "*.log", From: 2, Err: eio},
		{Op: faultfs.Write, File: "MANIFEST-*", From: 2, Err: eio},
		{Op: faultfs.Sync, File: "MANIFEST-*", From: 2, Err: eio},
		{Op: faultfs.Sync, File: "db", From: 2, Err: eio},
		{Op: faultfs.Write, File: "*.sst", From: 2, Err: eio},
		{Op: faultfs.Sync, File: "*.sst", From: 2, Err: eio},
		{Op: faultfs.Write, File: "*.blob", From: 2, Err: eio},
		{Op: faultfs.Sync, File: "*.blob", From: 2, Times: 1, Err: eio},
		{Op: faultfs.Sync, File: "*.blob", From: 3, Err: eio},
		{From: 100, Err: eio}, // the whole disk goes away
	}
	for _, fault := range faults {
		for _, kept := range []int{0, 100} {
			t.Run(fmt.Sprintf("%s_of_%s_kept_%d", fault.Op, fault.File, kept), func(t *testing.T) {
				testVitalFailure(t, fault, kept)
			})
		}
	}
}

func testVitalFailure(t *testing.T, fault faultfs.Fault, kept int) {
	mem := vfs.NewCrashableMem()
	fs := faultfs.New(mem)
	o := crashOptions(fs)
	o.RetryInterval = time.Millisecond
	s := mustOpen(t, o)
	w := storetest.NewWorkload(1, 4)
	if err := w.Run(t.Context(), s, 50); err != nil {
		t.Fatal(err)
	}
	fs.Set(fault)
	err := w.Run(t.Context(), s, 3000)
	if err == nil {
		t.Fatal("the workload did not notice")
	}
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrConflict) {
		t.Errorf("a failure is called %v", err)
	}
	s.Rest()
	if fault.File != "" { // reading needs a disk
		w.Check(t, s, w.Record())
	}
	if _, err := s.Append(t.Context(), store.LogID{Stream: 1 << 40}, store.Data("x")); err == nil {
		t.Error("an append went through after the failure")
	}
	if err := s.Commit(t.Context(), store.Write{Table: "t", Key: "k"}); err == nil {
		t.Error("a commit went through after the failure")
	}
	clone := mem.CrashClone(crashConfig(kept))
	if err := s.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	for name, disk := range map[string]*vfs.MemFS{"after the crash": clone, "after close": mem} {
		t.Run(name, func(t *testing.T) { goesOn(t, crashOptions(disk), 1, 4, w.Record()) })
	}
}

// goesOn opens a store again, holds it against a record of the workload, and writes on.
func goesOn(t *testing.T, o disk.Options, seed uint64, writers int, r storetest.Record) {
	s := mustOpen(t, o)
	storetest.NewWorkload(seed, writers).Check(t, s, r)
	next := storetest.NewWorkload(seed+100, writers)
	if err := next.Run(context.Background(), s, 50); err != nil {
		t.Error(err)
	}
	next.Check(t, s, next.Record())
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestTableFilesRefused lets the system refuse files that are written in the background, as it does when too many are
// open. Nothing is seen of it.
func TestTableFilesRefused(t *testing.T) {
	for _, file := range []string{"*.sst", "*.blob"} {
		t.Run(file, func(t *testing.T) {
			fs := faultfs.New(vfs.NewCrashableMem())
			o := crashOptions(fs)
			o.RetryInterval = time.Millisecond
			s := mustOpen(t, o)
			fs.Set(faultfs.Fault{Op: faultfs.Create, File: file, Times: 3, Err: syscall.EMFILE})
			w := storetest.NewWorkload(1, 4)
			if err := w.Run(t.Context(), s, 300); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if fs.Count(faultfs.Create, file[1:]) < 3 {
				t.Error("the fault was not met")
			}
			goesOn(t, o, 1, 4, w.Record())
		})
	}
}

// TestOpenFails breaks each operation of an opening in turn. Open answers with an error, and the next one finds
// everything.
func TestOpenFails(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := mustOpen(t, crashOptions(mem))
	w := storetest.NewWorkload(1, 2)
	if err := w.Run(t.Context(), s, 200); err != nil {
		t.Fatal(err)
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	step := 1
	if race.Enabled {
		step = 7
	}
	for at := 1; ; at += step {
		clone := crashed.CrashClone(vfs.CrashCloneCfg{})
		fs := faultfs.New(clone)
		var operations atomic.Int64
		fs.Watch(func(faultfs.Op) { operations.Add(1) })
		fs.Set(faultfs.Fault{From: at, Times: 1, Err: syscall.EIO})
		s, err := disk.Open(crashOptions(fs))
		over := int(operations.Load()) < at
		fs.Set()
		if err == nil {
			w.Check(t, s, w.Record())
			_ = s.Close()
		}
		s, err = disk.Open(crashOptions(clone))
		if err != nil {
			t.Errorf("after the failure at operation %d: %v", at, err)
			continue
		}
		w.Check(t, s, w.Record())
		if err := s.Close(); err != nil {
			t.Errorf("close after the failure at operation %d: %v", at, err)
		}
		if over {
			t.Logf("failed at %d operations", (at-1)/step)
			return
		}
	}
}

func crashConfig(kept int) vfs.CrashCloneCfg {
	return vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rng(uint64(kept))}
}
