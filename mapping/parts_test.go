package mapping

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/stream"
)

// parts are a service on the real store and the real streams; only functions and queues are made up.
type parts struct {
	store *disk.Store
	*stream.Service
	mappings   *Service
	limits     bool                                         // shards have limits, and mappings poll within them
	waiting    atomic.Int64                                 // readers that have nothing to read
	invoke     func(in function.Invocation)                 // what the function does
	answer     func(in function.Invocation) function.Result // what the function does in place of invoke
	send       func(n Notice)                               // what the destination does
	subscribed atomic.Int64                                 // calls of Subscribe
	restart    func()                                       // the mappings
	stop       func()
}

// run runs the mappings until what it returns is called.
func (p *parts) run() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.mappings.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// consumer registers a consumer of the stream, "fan" unless it is named, or is none.
func (p *parts) consumer(tb testing.TB, wanted bool, name ...string) stream.ConsumerID {
	tb.Helper()
	if !wanted {
		return stream.ConsumerID{}
	}
	c, err := p.RegisterConsumer(context.Background(), streamName("orders"), append(name, "fan")[0], nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c.ID()
}

func newParts(tb testing.TB, fs vfs.FS, p *parts) {
	tb.Helper()
	var err error
	clock := clockwork.NewRealClock()
	if p.store, err = disk.Open(disk.Options{Memory: true, FS: fs, ReserveBytes: -1}); err != nil {
		tb.Fatal(err)
	}
	if p.Service, err = stream.New(stream.Config{Store: p.store, Clock: clock, ShardLimits: p.limits}); err != nil {
		tb.Fatal(err)
	}
	config := Config{Store: p.store, Clock: clock, Source: p, Consumers: p, Invoker: p, Destination: p}
	if p.limits {
		config.Polled = limited{p.Service}
	}
	p.mappings, err = New(config)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Service.Run(ctx) })
	end := p.run()
	p.restart = func() {
		end()
		if p.mappings, err = New(config); err != nil {
			tb.Fatal(err)
		}
		end = p.run()
	}
	p.stop = func() {
		end()
		cancel()
		running.Wait()
		if err := p.store.Close(); err != nil {
			tb.Error(err)
		}
	}
}

func (p *parts) Find(_ context.Context, ref function.Ref) (function.Function, error) {
	return function.Function{Name: ref.Name, Role: testRole}, nil
}

func (p *parts) Invoke(_ context.Context, in function.Invocation) (function.Result, error) {
	if p.answer != nil {
		return p.answer(in), nil
	}
	if p.invoke != nil {
		p.invoke(in)
	}
	return function.Result{ExecutedVersion: "$LATEST", RequestID: in.RequestID}, nil
}

// Subscribe implements Consumers.
func (p *parts) Subscribe(ctx context.Context, id stream.ConsumerID, shard uint32, start stream.Start) (Subscription, error) {
	p.subscribed.Add(1)
	sub, err := p.Service.Subscribe(ctx, id, shard, start)
	if err != nil {
		return nil, err
	}
	return sub, nil
}

func (p *parts) Check(context.Context, string) error { return nil }

func (p *parts) Send(_ context.Context, _ string, n Notice) error {
	if p.send != nil {
		p.send(n)
	}
	return nil
}

// stream makes a stream and waits until it can be put to.
func (p *parts) stream(tb testing.TB, shards int) {
	tb.Helper()
	ctx := context.Background()
	name := streamName("orders")
	if err := p.Service.Create(ctx, name, stream.CreateOptions{ShardCount: shards}); err != nil {
		tb.Fatal(err)
	}
	for {
		st, err := p.Service.Describe(ctx, name)
		if err != nil {
			tb.Fatal(err)
		}
		if st.Status == stream.StatusActive {
			return
		}
		runtime.Gosched()
	}
}

func (p *parts) mapping(tb testing.TB, s Settings) string {
	tb.Helper()
	m, err := p.mappings.Create(context.Background(), CreateInput{
		Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef("charge"),
		Start: stream.Start{Type: stream.TrimHorizon}, Settings: s,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m.UUID
}

func (p *parts) put(tb testing.TB, entries ...stream.Entry) {
	tb.Helper()
	puts, err := p.Service.Put(context.Background(), streamName("orders"), entries)
	if err != nil {
		tb.Fatal(err)
	}
	for _, put := range puts {
		if put.Err != nil {
			tb.Fatal(put.Err)
		}
	}
}

// await lets time pass until so many records are delivered.
func (p *parts) await(tb testing.TB, uuid string, records int) {
	tb.Helper()
	for range 10_000 {
		stats, err := p.mappings.Stats(uuid)
		if err != nil {
			tb.Fatal(err)
		}
		if stats.Delivered >= uint64(records) {
			return
		}
		<-p.mappings.config.Clock.After(10 * time.Millisecond)
	}
	tb.Fatal("records are not delivered")
}

// batches remembers, by shard, the first record of the batch that the function was handed first or last.
type batches struct {
	mu    sync.Mutex
	first map[int]int
	last  map[int]int
}

func (b *batches) note(t *testing.T, in function.Invocation) (shard, record int) {
	call, err := readEvent(in)
	if err != nil {
		t.Fatal(err)
	}
	if record, err = strconv.Atoi(call.Labels[0]); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.first[call.Shard]; !ok {
		b.first[call.Shard] = record
	}
	b.last[call.Shard] = record
	return call.Shard, record
}

// TestCheckpointIsDurableBeforeTheNextBatch crashes the disk at the moment when a function is handed a batch: whatever
// was not synced by then is lost. On what is left, the lane of that batch goes on with this very batch, and any other
// lane repeats one batch at most.
// Facts: 2.5.1.
func TestCheckpointIsDurableBeforeTheNextBatch(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			const records = 120
			fs := vfs.NewCrashableMem()
			var (
				clone         *vfs.MemFS
				shard, record int
			)
			left := 5 + int(seed)*2
			before := batches{first: map[int]int{}, last: map[int]int{}}
			p := &parts{invoke: func(in function.Invocation) {
				before.mu.Lock()
				defer before.mu.Unlock()
				if left--; left < 0 {
					return
				}
				at, first := before.note(t, in)
				if left == 0 {
					clone, shard, record = fs.CrashClone(vfs.CrashCloneCfg{}), at, first
				}
			}}
			newParts(t, fs, p)
			p.stream(t, 2)
			s := Defaults()
			s.BatchSize = 3
			uuid := p.mapping(t, s)
			for i := range records {
				p.put(t, stream.Entry{PartitionKey: fmt.Sprint("key", i%8), Data: fmt.Append(nil, i)})
			}
			p.await(t, uuid, records)
			p.stop()

			after := batches{first: map[int]int{}, last: map[int]int{}}
			p = &parts{invoke: func(in function.Invocation) {
				after.mu.Lock()
				defer after.mu.Unlock()
				after.note(t, in)
			}}
			newParts(t, clone, p)
			<-p.mappings.config.Clock.After(time.Second)
			p.stop()
			if after.first[shard] != record {
				t.Errorf("seed %d: crashed as record %d was handed over, goes on with %d", seed, record, after.first[shard])
			}
			for other, first := range after.first {
				if first < before.last[other] {
					t.Errorf("seed %d: another lane was at %d, goes on with %d", seed, before.last[other], first)
				}
			}
		})
	}
}

// TestEverythingArrives puts while mappings of several factors read, on the real parts, and counts.
// Facts: 2.2.7.
func TestEverythingArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records = 3000
		p := &parts{}
		newParts(t, nil, p)
		p.stream(t, 3)
		var mu sync.Mutex
		last := map[string]int{} // by key
		p.invoke = func(in function.Invocation) {
			call, err := readEvent(in)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for i, key := range call.Keys {
				n, _ := strconv.Atoi(call.Labels[i])
				if n <= last[key] && last[key] > 0 {
					t.Errorf("record %d of %s after %d", n, key, last[key])
				}
				last[key] = n
			}
		}
		s := Defaults()
		s.ParallelizationFactor = 4
		uuid := p.mapping(t, s)
		for i := 0; i < records; i += 10 {
			var entries []stream.Entry
			for j := i; j < i+10; j++ {
				entries = append(entries, stream.Entry{PartitionKey: fmt.Sprint("key", j%50), Data: fmt.Append(nil, j+1)})
			}
			p.put(t, entries...)
		}
		p.await(t, uuid, records)
		if stats, _ := p.mappings.Stats(uuid); stats.Delivered != records || stats.PutToInvoke.Count != records {
			t.Errorf("%+v", stats)
		}
		p.stop()
	})
}

// BenchmarkDrain leads 1 KiB records that lie in a stream through a function that does nothing.
func BenchmarkDrain(b *testing.B) {
	for _, c := range []struct{ shards, factor, batch int }{{1, 1, 100}, {1, 10, 100}, {4, 1, 100}, {4, 1, 10_000}} {
		b.Run(fmt.Sprintf("shards=%d,factor=%d,batch=%d", c.shards, c.factor, c.batch), func(b *testing.B) {
			p := &parts{}
			newParts(b, nil, p)
			defer p.stop()
			p.stream(b, c.shards)
			s := Defaults()
			s.BatchSize, s.ParallelizationFactor = c.batch, c.factor
			data := make([]byte, 1024)
			const chunk, total = 500, 50_000
			for i := 0; i < total; i += chunk {
				entries := make([]stream.Entry, chunk)
				for j := range entries {
					entries[j] = stream.Entry{PartitionKey: strconv.Itoa(i + j), Data: data}
				}
				p.put(b, entries...)
			}
			delivered := make(chan struct{})
			var count atomic.Int64
			p.invoke = func(in function.Invocation) {
				if count.Add(int64(bytes.Count(in.Payload, []byte(`"eventID"`)))) == total {
					close(delivered)
				}
			}
			b.SetBytes(total * 1024)
			b.ReportAllocs()
			for b.Loop() {
				delivered = make(chan struct{})
				count.Store(0)
				uuid := p.mapping(b, s)
				<-delivered
				if _, err := p.mappings.Delete(context.Background(), testAccount, testRegion, uuid); err != nil {
					b.Fatal(err)
				}
				for len(p.mappings.all()) > 0 {
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkIdleShards reports what a mapping costs over 2,000 shards in which nothing happens.
func BenchmarkIdleShards(b *testing.B) {
	const shards = 2000
	for _, factor := range []int{1, 10} {
		b.Run(fmt.Sprintf("factor=%d", factor), func(b *testing.B) {
			p := &parts{}
			newParts(b, nil, p)
			defer p.stop()
			p.stream(b, shards)
			s := Defaults()
			s.ParallelizationFactor = factor
			measure := func() (memory uint64, goroutines int) {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc + m.StackInuse, runtime.NumGoroutine()
			}
			for b.Loop() {
				memory, goroutines := measure()
				uuid := p.mapping(b, s)
				for p.waiting.Load() < shards {
					runtime.Gosched()
				}
				memory2, goroutines2 := measure()
				b.ReportMetric(float64(int64(memory2)-int64(memory))/shards, "B/shard")
				b.ReportMetric(float64(goroutines2-goroutines)/shards, "goroutines/shard")
				if _, err := p.mappings.Delete(context.Background(), testAccount, testRegion, uuid); err != nil {
					b.Fatal(err)
				}
				for len(p.mappings.all()) > 0 {
					runtime.Gosched()
				}
			}
		})
	}
}

// Wait counts the readers that have nothing to read.
func (p *parts) Wait(ctx context.Context, key stream.ShardKey, after stream.Position) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	return p.Service.Wait(ctx, key, after)
}
