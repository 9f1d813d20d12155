package disk_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/disk/faultfs"
)

// TestTrimFreesSpace: what was trimmed or dropped is given back to the disk, with nothing written after it, and also when
// it lies between blocks that stay.
func TestTrimFreesSpace(t *testing.T) {
	fs := faultfs.New(vfs.NewMem())
	s := mustOpen(t, disk.Options{Dir: crashDir, FS: fs, MemtableBytes: mib}.Eager())
	const streams, blocks, size = 8, 60, 50_000
	data := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{})
	for range blocks {
		for stream := range uint64(streams) {
			_, _ = rng.Read(data)
			if _, err := s.Append(t.Context(), store.LogID{Stream: stream}, store.Data(data)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d MiB for %d MiB", fs.Used()/mib, streams*blocks*size/mib)
	// All but the last stream lose nearly all, in ways of their own.
	for stream := range uint64(streams - 1) {
		var err error
		if stream%2 == 0 {
			err = s.DropLogs(t.Context(), stream)
		} else {
			err = s.Trim(t.Context(), store.LogID{Stream: stream}, blocks)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const left = (blocks + streams) * size
	awaitUsed(t, fs, 2*left+4*mib)
	if _, err := s.Bounds(t.Context(), store.LogID{Stream: streams - 1}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range s.ReadBlocks(t.Context(), store.LogID{Stream: streams - 1}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != blocks {
		t.Errorf("%d blocks of the stream that was kept, want %d", n, blocks)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func awaitUsed(t *testing.T, fs *faultfs.FS, want int64) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for fs.Used() > want {
		if time.Now().After(deadline) {
			t.Fatalf("%d MiB are used, want %d", fs.Used()/mib, want/mib)
		}
		runtime.Gosched()
	}
}
