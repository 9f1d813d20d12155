package disk_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

// The benchmarks run on the directory in TMPDIR, beside the disk's own rate in the same run:
//
//	go test -run '^$' -bench . ./store/disk

func incompressible(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

func benchStore(b *testing.B) *disk.Store {
	s := mustOpen(b, disk.Options{Dir: b.TempDir()})
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// spread shares b.N calls among writers, and reports calls a second.
func spread(b *testing.B, writers int, call func(writer int)) {
	b.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		group.Go(func() {
			for next.Add(1) <= int64(b.N) {
				call(w)
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ writers, size int }{{1, 1 << 10}, {16, 1 << 10}, {1, 500 << 10}, {16, 500 << 10}} {
		b.Run(fmt.Sprintf("writers=%d/KiB=%d", c.writers, c.size>>10), func(b *testing.B) {
			s := benchStore(b)
			data := incompressible(c.size)
			b.SetBytes(int64(c.size))
			spread(b, c.writers, func(w int) {
				if _, err := s.Append(b.Context(), store.LogID{Stream: 1, Shard: uint32(w)}, store.Data(data)); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkSync is the disk alone: one writer that writes to a file and syncs it.
func BenchmarkSync(b *testing.B) {
	for _, size := range []int{1 << 10, 500 << 10} {
		b.Run(fmt.Sprintf("KiB=%d", size>>10), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "log"))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			data := incompressible(size)
			b.SetBytes(int64(size))
			spread(b, 1, func(int) {
				if _, err := f.Write(data); err != nil {
					b.Error(err)
				}
				if err := f.Sync(); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := benchStore(b)
			value := incompressible(200)
			spread(b, writers, func(w int) {
				if err := s.Commit(b.Context(), store.Write{Table: "checkpoints", Key: fmt.Sprint(w), Value: value}); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkScan reads blocks of 500 KiB from the disk, with a cache that holds next to nothing of them.
func BenchmarkScan(b *testing.B) {
	const size, blocks = 500 << 10, 1000
	dir := b.TempDir()
	s := mustOpen(b, disk.Options{Dir: dir})
	data := incompressible(size)
	for range blocks {
		if _, err := s.Append(b.Context(), store.LogID{Stream: 1}, store.Data(data)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	s = mustOpen(b, disk.Options{Dir: dir})
	opened := time.Since(begun)
	b.SetBytes(size * blocks)
	b.ResetTimer()
	for range b.N {
		n := 0
		for block, err := range s.ReadBlocks(b.Context(), store.LogID{Stream: 1}, 0) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(block.Data)
		}
		if n != size*blocks {
			b.Fatalf("read %d bytes", n)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(opened.Milliseconds()), "ms/open")
	if err := s.Close(); err != nil {
		b.Error(err)
	}
}

func BenchmarkGet(b *testing.B) {
	s := benchStore(b)
	if err := s.Commit(b.Context(), store.Write{Table: "t", Key: "k", Value: incompressible(200)}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Get(b.Context(), "t", "k"); err != nil {
			b.Fatal(err)
		}
	}
}
