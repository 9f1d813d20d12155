package disk_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/faultfs"
	"github.com/millrace/millrace/store/storetest"
)

// TestStore runs the common suite over every way to configure this engine.
func TestStore(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			return storetest.Harness{Store: mustOpen(t, disk.Options{Memory: true})}
		})
	})
	t.Run("disk", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			return harness(t, disk.Options{Dir: t.TempDir(), FS: faultfs.New(vfs.Default)})
		})
	})
	t.Run("strict", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			return harness(t, disk.Options{Dir: "/data/store", FS: faultfs.New(vfs.NewCrashableMem()), MemtableBytes: 1 << 20})
		})
	})
}

func harness(t *testing.T, o disk.Options) storetest.Harness {
	s := mustOpen(t, o)
	return storetest.Harness{
		Store: s,
		Reopen: func(t testing.TB) store.Store {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
			s = mustOpen(t, o)
			return s
		},
		Syncs: func() int { return o.FS.(*faultfs.FS).Count(faultfs.Sync, ".log") },
	}
}
