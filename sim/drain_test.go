package sim

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/stream"
)

// BenchmarkDrain takes a backlog through a mapping to a function that does nothing, in this process: what remains is reading, writing the
// events, invoking, history and the durable checkpoints, on a real disk. An operation is one record of 100 bytes, in batches of 1,000 from
// four shards.
func BenchmarkDrain(b *testing.B) {
	d := newDrain(b)
	const call = 500
	entries := make([]stream.Entry, call)
	for i := range entries {
		entries[i] = stream.Entry{Data: make([]byte, 100), PartitionKey: fmt.Sprint("customer-", i)}
	}
	calls := (b.N + call - 1) / call
	for range calls {
		if _, err := d.streams.Put(b.Context(), d.name, entries); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	m, err := d.mappings.Create(b.Context(), mapping.CreateInput{
		Account: account, Region: region, Source: d.name, Function: function.Ref{Name: d.function},
		Start:    stream.Start{Type: stream.TrimHorizon},
		Settings: mapping.Settings{BatchSize: 1000, ParallelizationFactor: 1, MaximumRetryAttempts: mapping.Forever, MaximumRecordAge: mapping.Forever},
	})
	if err != nil {
		b.Fatal(err)
	}
	awaitTrue(func() bool {
		stats, err := d.mappings.Stats(m.UUID)
		if err != nil {
			b.Fatal(err)
		}
		return stats.Delivered >= uint64(calls*call)
	})
	b.StopTimer()
	b.ReportMetric(float64(calls*call)/b.Elapsed().Seconds(), "records/s")
}

// drain is a house with one stream and one function.
type drain struct {
	streams  *stream.Service
	mappings *mapping.Service
	name     stream.Name
	function function.Name
}

// newDrain builds it. It ends with the benchmark.
func newDrain(b *testing.B) *drain {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	log, clock := slog.New(slog.DiscardHandler), clockwork.NewRealClock()
	s, err := disk.Open(disk.Options{Dir: b.TempDir()})
	must(err)
	b.Cleanup(func() { must(s.Close()) })
	d := &drain{
		name:     stream.Name{Account: account, Region: region, Name: "orders"},
		function: function.Name{Account: account, Region: region, Name: "nothing"},
	}
	d.streams, err = stream.New(stream.Config{Store: s, Clock: clock, Log: log})
	must(err)
	functions, err := function.New(function.Config{Store: s, Clock: clock, Log: log, Executor: idle{}, CodeDir: b.TempDir(), Concurrency: 10, MaxInstances: 10})
	must(err)
	d.mappings, err = mapping.New(mapping.Config{
		Store: s, Clock: clock, Log: log, Source: d.streams, Invoker: functions, Destination: nowhere{},
	})
	must(err)
	for _, run := range []func(context.Context) error{d.streams.Run, functions.Run, d.mappings.Run} {
		ctx, end := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- run(ctx) }()
		b.Cleanup(func() {
			end()
			must(<-ended)
		})
	}
	must(d.streams.Create(b.Context(), d.name, stream.CreateOptions{ShardCount: 4}))
	_, err = functions.Create(b.Context(), function.Function{
		Name: d.function, Runtime: "provided.al2023", Handler: "h", Role: "arn:aws:iam::000000000000:role/nothing", Timeout: time.Minute, MemoryMB: 128,
	}, code("nothing"))
	must(err)
	awaitTrue(func() bool {
		st, err := d.streams.Describe(b.Context(), d.name)
		must(err)
		f, err := functions.Get(b.Context(), d.function)
		must(err)
		return st.Status == stream.StatusActive && f.State == function.Active
	})
	return d
}

// awaitTrue asks every millisecond: nothing that a benchmark waits for can be waited for in another way.
func awaitTrue(ready func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ready() {
		<-tick.C
	}
}

// idle is an executor whose functions take the event and do nothing.
type idle struct{}

func (idle) Check(context.Context, function.Spec) error { return nil }

func (idle) Elsewhere(function.Function) bool { return false }

func (idle) Start(context.Context, function.Spec) (function.Instance, error) {
	return idleInstance{make(chan struct{})}, nil
}

type idleInstance struct{ done chan struct{} }

func (idleInstance) Invoke(_ context.Context, r function.Request) (function.Response, error) {
	r.Settled()
	return function.Response{Payload: []byte("null")}, nil
}
func (i idleInstance) Done() <-chan struct{} { return i.done }
func (idleInstance) Close()                  {}

// nowhere is a destination that nothing is sent to.
type nowhere struct{}

func (nowhere) Check(context.Context, string) error                { return nil }
func (nowhere) Send(context.Context, string, mapping.Notice) error { return nil }
