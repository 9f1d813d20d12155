package stream

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

// benchService returns an ACTIVE stream in a service over a store on disk, or in memory.
func benchService(b *testing.B, memory bool, shards int) (*rig, Stream) {
	b.Helper()
	s, err := disk.Open(disk.Options{Dir: b.TempDir(), Memory: memory})
	if err != nil {
		b.Fatal(err)
	}
	service, err := New(Config{Store: s, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler), ShardLimit: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- service.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	r := &rig{Service: service, t: b}
	return r, r.make("s", shards)
}

func media(b *testing.B, run func(b *testing.B, memory bool)) {
	b.Run("disk", func(b *testing.B) { run(b, false) })
	b.Run("memory", func(b *testing.B) { run(b, true) })
}

func kibibytes(n int) []Entry {
	list := make([]Entry, n)
	for i := range list {
		list[i] = Entry{Data: make([]byte, 1024), PartitionKey: fmt.Sprint("key-", i)}
	}
	return list
}

// BenchmarkPut is one record of 1 KiB a put, from some goroutines, into one shard and into four.
func BenchmarkPut(b *testing.B) {
	media(b, func(b *testing.B, memory bool) {
		for _, shards := range []int{1, 4} {
			for _, writers := range []int{1, 16, 32} {
				b.Run(fmt.Sprintf("shards=%d/writers=%d", shards, writers), func(b *testing.B) {
					r, st := benchService(b, memory, shards)
					var n atomic.Int64
					b.SetBytes(1024)
					b.ReportAllocs()
					b.SetParallelism((writers + 1) / 2) // of GOMAXPROCS goroutines each
					if writers == 1 {
						list := kibibytes(1)
						for b.Loop() {
							r.benchPut(b, st, list)
						}
						return
					}
					b.RunParallel(func(pb *testing.PB) {
						list := kibibytes(1)
						list[0].PartitionKey = fmt.Sprint("key-", n.Add(1))
						for pb.Next() {
							r.benchPut(b, st, list)
						}
					})
				})
			}
		}
	})
}

// BenchmarkPut500 is 500 records of 1 KiB a put.
func BenchmarkPut500(b *testing.B) {
	media(b, func(b *testing.B, memory bool) {
		for _, writers := range []int{1, 16} {
			b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
				r, st := benchService(b, memory, 4)
				b.SetBytes(500 * 1024)
				b.ReportAllocs()
				b.SetParallelism((writers + 1) / 2)
				if writers == 1 {
					list := kibibytes(500)
					for b.Loop() {
						r.benchPut(b, st, list)
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					list := kibibytes(500)
					for pb.Next() {
						r.benchPut(b, st, list)
					}
				})
			})
		}
	})
}

func (r *rig) benchPut(b *testing.B, st Stream, list []Entry) {
	puts, err := r.Put(context.Background(), st.Name, list)
	if err != nil {
		b.Fatal(err)
	}
	for i := range puts {
		if puts[i].Err != nil {
			b.Fatal(puts[i].Err)
		}
	}
}

// BenchmarkAppend is the engine alone: the same bytes as a block of 500 records, without this room.
func BenchmarkAppend(b *testing.B) {
	media(b, func(b *testing.B, memory bool) {
		r, _ := benchService(b, memory, 1)
		drafts := make([]draft, 500)
		for i, e := range kibibytes(500) {
			drafts[i] = draft{entry: &e, hash: e.hash()}
		}
		data, _ := encodeBlock(drafts)
		b.SetBytes(500 * 1024)
		for b.Loop() {
			if _, err := r.store.Append(b.Context(), ShardKey{1, 99}.log(), store.Data(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReadCatchUp reads a shard of 256 MiB from the store, from its start, again and again.
func BenchmarkReadCatchUp(b *testing.B) {
	for _, size := range []int{50, 500} {
		b.Run(fmt.Sprintf("block=%d", size), func(b *testing.B) {
			r, st := benchService(b, false, 1)
			const total = 256 << 10 // records
			list := kibibytes(size)
			for range total / size {
				r.benchPut(b, st, list)
			}
			r.tail.drop(ShardKey{st.Number, 0})
			var after Position
			b.SetBytes(1024)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				batch, err := r.Read(b.Context(), ShardKey{st.Number, 0}, after, MaxReadRecords, MaxReadBytes)
				if err != nil {
					b.Fatal(err)
				}
				n += len(batch.Records)
				if after = batch.Next; len(batch.Records) == 0 {
					after = 0
				}
			}
		})
	}
}

// BenchmarkPutToWait is from the call of Put to the return of Wait in a reader at the tip, and a read of what came.
func BenchmarkPutToWait(b *testing.B) {
	media(b, func(b *testing.B, memory bool) {
		r, st := benchService(b, memory, 1)
		key := ShardKey{st.Number, 0}
		list := kibibytes(1)
		read := make(chan struct{})
		go func() {
			var after Position
			for {
				if err := r.Wait(context.Background(), key, after); err != nil {
					b.Error(err)
				}
				batch, err := r.Read(context.Background(), key, after, 100, MaxReadBytes)
				if err != nil {
					return // the stream is gone
				}
				after = batch.Next
				read <- struct{}{}
			}
		}()
		for b.Loop() {
			r.benchPut(b, st, list)
			<-read
		}
		if err := r.Delete(context.Background(), st.Name); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkIdleShards reports what a shard costs that nobody uses.
func BenchmarkIdleShards(b *testing.B) {
	r, st := benchService(b, true, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		r.sweep(b.Context())
	}
	b.ReportMetric(float64(len(st.Shards)), "shards")
}
