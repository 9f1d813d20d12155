package mapping

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// inWorld runs a test in a bubble, in a world with a stream and two functions, whose program is running.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.functions["charge"], w.functions["refund"] = &fakeFunction{}, &fakeFunction{}
		w.source.create(streamName("orders"), 2, 24*time.Hour)
		w.start()
		test(t, w)
		if w.epoch != nil {
			w.stop()
		}
	})
}

func (w *world) create(target string, change func(in *CreateInput)) (Mapping, error) {
	in := CreateInput{
		Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef(target),
		Start: stream.Start{Type: stream.TrimHorizon}, Settings: Defaults(),
	}
	if change != nil {
		change(&in)
	}
	return w.service.Create(context.Background(), in)
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a service without a store was made")
	}
}

// TestMappingsAreOfTheirAccount: a mapping is there for its account and region only.
func TestMappingsAreOfTheirAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, err := w.create("charge", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		for _, at := range [][2]string{{"000000000000", testRegion}, {testAccount, "us-east-1"}} {
			if _, err := w.service.Get(at[0], at[1], m.UUID); !errors.Is(err, ErrNotFound) {
				t.Errorf("%v gets it: %v", at, err)
			}
			if _, err := w.service.Update(ctx, at[0], at[1], m.UUID, Change{}); !errors.Is(err, ErrNotFound) {
				t.Errorf("%v updates it: %v", at, err)
			}
			if _, err := w.service.Delete(ctx, at[0], at[1], m.UUID); !errors.Is(err, ErrNotFound) {
				t.Errorf("%v deletes it: %v", at, err)
			}
			if list, _ := w.service.List(at[0], at[1], Filter{}, "", 10); len(list) != 0 {
				t.Errorf("%v lists it", at)
			}
		}
	})
}

// TestElsewhere: neither a stream nor a function of another account or region can be mapped.
func TestElsewhere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var denied *SourceDeniedError
		if _, err := w.create("charge", func(in *CreateInput) { in.Source.Account = "000000000000" }); !errors.As(err, &denied) {
			t.Errorf("stream of another account: %v", err)
		}
		var missing *SourceNotFoundError
		if _, err := w.create("charge", func(in *CreateInput) { in.Source.Region = "us-east-1" }); !errors.As(err, &missing) {
			t.Errorf("stream of another region: %v", err)
		}
		if _, err := w.create("charge", func(in *CreateInput) { in.Function.Account = "000000000000" }); !errors.Is(err, ErrFunctionNotFound) {
			t.Errorf("function of another account: %v", err)
		}
		if _, err := w.create("charge", func(in *CreateInput) { in.Function.Region = "us-east-1" }); !errors.Is(err, ErrFunctionNotFound) {
			t.Errorf("function of another region: %v", err)
		}
	})
}

// TestCreateAsAnotherIsStored: a mapping has its pair from the commit on that stores it, which is before anybody finds it in memory.
func TestCreateAsAnotherIsStored(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, err := w.create("charge", nil)
		if err != nil {
			t.Fatal(err)
		}
		w.stop()
		delete(w.service.entries, m.UUID)
		var exists *ExistsError
		if _, err := w.create("charge", nil); !errors.As(err, &exists) || exists.UUID != m.UUID {
			t.Error(err)
		}
	})
}

// TestCreateAsTheFormerIsRemoved: what a deleted mapping leaves goes while its successor is being created, and does not stand in its way.
func TestCreateAsTheFormerIsRemoved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		former, err := w.create("charge", nil)
		if err != nil {
			t.Fatal(err)
		}
		session := w.epoch.session
		w.stop() // so that nobody removes it but we
		if _, err := w.service.Delete(context.Background(), testAccount, testRegion, former.UUID); err != nil {
			t.Fatal(err)
		}
		e := w.service.entries[former.UUID]
		commits := 0
		session.fails = func() bool {
			if commits++; commits == 1 { // Create's, which has looked at the pair already
				row, _ := e.current()
				if err := w.service.reap(context.Background(), e, &row); err != nil {
					t.Error(err)
				}
			}
			return false
		}
		if _, err := w.create("charge", nil); err != nil {
			t.Error(err)
		}
	})
}

// TestRemovalAsTheNextIsCreated: a new mapping takes the pair of one that is being removed, whose removal is not put off for that.
func TestRemovalAsTheNextIsCreated(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		former, err := w.create("charge", nil)
		if err != nil {
			t.Fatal(err)
		}
		session, e, began := w.epoch.session, w.service.entries[former.UUID], w.clock.Now()
		w.stop()
		if _, err := w.service.Delete(t.Context(), testAccount, testRegion, former.UUID); err != nil {
			t.Fatal(err)
		}
		commits := 0
		session.fails = func() bool {
			if commits++; commits == 1 {
				if _, err := w.create("charge", nil); err != nil {
					t.Error(err)
				}
			}
			return false
		}
		newRunner(w.service, e).run(t.Context(), t.Context())
		if took := w.clock.Since(began); took > 0 || len(w.service.entries) != 1 {
			t.Errorf("after %s there are %d mappings", took, len(w.service.entries))
		}
	})
}

// Facts: 1.6.2, 1.6.4.
func TestList(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.source.create(streamName("returns"), 1, 0)
		var uuids []string
		for _, c := range []struct{ source, target string }{
			{"orders", "charge"}, {"orders", "charge:$LATEST"}, {"orders", "refund"}, {"returns", "refund"},
		} {
			m, err := w.create(c.target, func(in *CreateInput) { in.Source = streamName(c.source) })
			if err != nil {
				t.Fatal(err)
			}
			uuids = append(uuids, m.UUID)
		}
		list := func(f Filter) (found []int) {
			all, more := w.service.List(testAccount, testRegion, f, "", 100)
			for _, m := range all {
				found = append(found, slices.Index(uuids, m.UUID))
			}
			if more {
				t.Error("there is said to be more")
			}
			slices.Sort(found)
			return found
		}
		orders, charge, latest, nobody := streamName("orders").ARN(), functionRef("charge"), functionRef("charge:$LATEST"), functionRef("nobody")
		for i, c := range []struct {
			filter Filter
			want   []int
		}{
			{Filter{}, []int{0, 1, 2, 3}},
			{Filter{Source: &orders}, []int{0, 1, 2}},
			{Filter{Function: &charge}, []int{0}}, // a bare name does not stand for all its qualifiers
			{Filter{Function: &latest}, []int{1}},
			{Filter{Source: &orders, Function: new(functionRef("refund"))}, []int{2}},
			{Filter{Function: &nobody}, nil},
		} {
			if got := list(c.filter); !slices.Equal(got, c.want) {
				t.Errorf("filter %d: %v, not %v", i, got, c.want)
			}
		}
		// Page by page, all come once and in order.
		var paged []string
		for after, more := "", true; more; {
			var page []Mapping
			page, more = w.service.List(testAccount, testRegion, Filter{}, after, 3)
			for _, m := range page {
				paged = append(paged, m.UUID)
			}
			after = paged[len(paged)-1]
		}
		slices.Sort(uuids)
		if !slices.Equal(paged, uuids) {
			t.Errorf("pages hold %v, not %v", paged, uuids)
		}
	})
}

// TestOnlyOneOfManyCreates: of equal mappings that are made at the same time one comes into being.
// Facts: 1.5.33.
func TestOnlyOneOfManyCreates(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		results := make(chan error, 20)
		for range cap(results) {
			wg.Go(func() {
				_, err := w.create("charge", nil)
				results <- err
			})
		}
		wg.Wait()
		close(results)
		made := 0
		for err := range results {
			var exists *ExistsError
			switch {
			case err == nil:
				made++
			case !errors.As(err, &exists) && !errors.Is(err, ErrInUse):
				t.Error(err)
			}
		}
		if all := w.service.All(); made != 1 || len(all) != 1 {
			t.Errorf("%d were made, %d are there", made, len(all))
		}
	})
}

// TestOnlyOneOfManyUpdates: what an update was judged by is what it changes.
func TestOnlyOneOfManyUpdates(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, err := w.create("charge", nil)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				change := Change{BatchSize: new(i + 1)}
				if i%2 == 0 {
					change = Change{MaximumRetryAttempts: new(i)}
				}
				_, err := w.service.Update(context.Background(), testAccount, testRegion, m.UUID, change)
				if err != nil && !errors.Is(err, ErrInUse) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		seen, err := w.service.Get(testAccount, testRegion, m.UUID)
		if err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.start()
		stored, err := w.service.Get(testAccount, testRegion, m.UUID)
		if err != nil || !reflect.DeepEqual(stored, seen) {
			t.Errorf("%+v is stored, %+v was seen, %v", stored, seen, err)
		}
	})
}

func TestTableIsBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.service.config.MaxMappings = 1
		if _, err := w.create("charge", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.create("refund", nil); !errors.Is(err, ErrTooMany) {
			t.Error(err)
		}
	})
}

// TestDeleteLeavesNothing looks into the store after a mapping with a past has gone.
// Facts: 1.3.12.
func TestDeleteLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, err := w.create("charge", func(in *CreateInput) {
			in.Settings.ParallelizationFactor, in.Start.Type = 3, stream.Latest
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			w.putRecords(streamName("orders"), i%2, w.testRecord(fmt.Sprint(i), fmt.Sprint(i), 0, 0))
		}
		<-w.clock.After(time.Minute)
		if _, err := w.service.Delete(context.Background(), testAccount, testRegion, m.UUID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for table, entries := range w.tables.entries {
			for key := range entries {
				t.Errorf("%s still holds %q", table, key)
			}
		}
		if _, err := w.service.Stats(m.UUID); !errors.Is(err, ErrNotFound) {
			t.Errorf("stats: %v", err)
		}
	})
}

// TestStoredMappingsAreChecked: a service does not begin with what it cannot understand.
func TestStoredMappingsAreChecked(t *testing.T) {
	for name, value := range map[string]string{
		"no JSON":     "\x01{",
		"no stream":   "\x01" + `{"source":"arn:aws:sqs:eu-west-1:123456789012:q","function":"charge","account":"123456789012","region":"eu-west-1"}`,
		"no function": "\x01" + `{"source":"arn:aws:kinesis:eu-west-1:123456789012:stream/s","function":"?"}`,
		"a later one": "\x07{}",
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.stop()
			err := w.tables.Commit(context.Background(), store.Write{Table: "mappings", Key: "k", Value: []byte(value)})
			if err != nil {
				t.Fatal(err)
			}
			c := w.service.config
			c.Store = w.tables
			if _, err := New(c); err == nil {
				t.Errorf("%s: no error", name)
			}
		})
	}
}

// TestStats counts what it says, shard by shard, and from put to invocation.
func TestStats(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.functions["charge"] = &fakeFunction{failsOn: []string{"bad"}}
		m, err := w.create("charge", func(in *CreateInput) {
			in.Settings.BatchSize, in.Settings.MaximumRetryAttempts = 1, 1
		})
		if err != nil {
			t.Fatal(err)
		}
		w.last = m.UUID
		w.putRecords(streamName("orders"), 0, w.testRecord("a", "a", 0, 0), w.testRecord("b", "bad", 0, 0), w.testRecord("c", "c", 0, 0))
		w.putRecords(streamName("orders"), 1, w.testRecord("d", "d", 0, 0))
		w.settle(time.Hour)
		synctest.Wait()
		got, err := w.service.Stats(m.UUID)
		if err != nil {
			t.Fatal(err)
		}
		shards := []ShardStats{{Shard: 0, Delivered: 2, Discarded: 1}, {Shard: 1, Delivered: 1}}
		if !slices.Equal(got.Shards, shards) {
			t.Errorf("shards: %+v", got.Shards)
		}
		l := got.PutToInvoke
		if l.Count != 4 || l.P50 != 0 || l.Max != 200*time.Millisecond {
			t.Errorf("latencies: %+v", l)
		}
		if got.Invocations != 5 || got.Retries != 1 || got.Delivered != 3 || got.Discarded != 1 || got.Batches != 4 {
			t.Errorf("%+v", got)
		}
	})
}

// TestSlowLaneHoldsUpNobody: a lane that is blocked is passed by, with the memory it holds bounded, and has all of its
// records when it goes on.
// Facts: 4.1, 5.6.1.
func TestSlowLaneHoldsUpNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.service.config.BufferBytes = 0 // always short
		w.functions["charge"] = &fakeFunction{failsOn: []string{"1/0"}}
		m, err := w.create("charge", func(in *CreateInput) {
			in.Settings.ParallelizationFactor, in.Settings.BatchSize = 2, 10
		})
		if err != nil {
			t.Fatal(err)
		}
		w.last = m.UUID
		const each, size = 300, 4000
		for i := range each {
			w.putRecords(streamName("orders"), 0,
				w.testRecord("1", fmt.Sprintf("1/%d", i), 0, size), w.testRecord("2", fmt.Sprintf("2/%d", i), 0, size))
		}
		<-w.clock.After(10 * time.Second)
		stats, _ := w.service.Stats(m.UUID)
		if stats.Delivered != each {
			t.Errorf("%d of the other lane's %d records were delivered", stats.Delivered, each)
		}
		if held := w.service.buffered.Load(); held > 3*smallChunkBytes || held < smallChunkBytes/2 {
			t.Errorf("the blocked lane holds %d bytes", held)
		}
		w.mu.Lock()
		w.functions["charge"] = &fakeFunction{}
		w.mu.Unlock()
		if !w.settle(time.Hour) {
			t.Errorf("%d records are not done", w.undone())
		}
		synctest.Wait()
		if held := w.service.buffered.Load(); held != 0 {
			t.Errorf("%d bytes are held by nobody", held)
		}
	})
}

// TestNobodyPolls: while nothing happens, nothing is asked for.
// Facts: 2.1.1.
func TestNobodyPolls(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		counting := &countingSource{Source: w.source}
		w.service.config.Source = counting
		for _, target := range []string{"charge", "refund"} {
			if _, err := w.create(target, func(in *CreateInput) { in.Settings.ParallelizationFactor = 10 }); err != nil {
				t.Fatal(err)
			}
		}
		w.putRecords(streamName("orders"), 0, w.testRecord("a", "a", 0, 0))
		<-w.clock.After(time.Minute)
		before := counting.count()
		<-w.clock.After(1000 * time.Hour)
		if after := counting.count(); after != before {
			t.Errorf("%d calls of the source in idle time", after-before)
		}
	})
}

type countingSource struct {
	Source
	mu    sync.Mutex
	calls int
}

func (c *countingSource) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *countingSource) Describe(ctx context.Context, name stream.Name) (stream.Stream, error) {
	c.mu.Lock()
	c.calls++
	c.mu.Unlock()
	return c.Source.Describe(ctx, name)
}

func (c *countingSource) Read(ctx context.Context, key stream.ShardKey, after stream.Position, n, size int) (stream.Batch, error) {
	c.mu.Lock()
	c.calls++
	c.mu.Unlock()
	return c.Source.Read(ctx, key, after, n, size)
}

// TestRolesAreOfNow: the event names the role that the function has when it is invoked.
// Facts: 3.2.2.
func TestRolesAreOfNow(t *testing.T) {
	form := newEventForm(testSource.ARN(), testSource.Region, testShard)
	record := stream.Record{Position: 1 << 16, Arrival: noon, PartitionKey: "k", Data: make([]byte, 2_000_000)}
	records := []stream.Record{record, record}
	// Two records that just fit with a short role do not with a long one: the batch is cut, and nobody is blamed.
	var f fill
	f.extend(records, 10, form, "")
	long := string(make([]byte, maxEvent-f.size))
	_, fits := form.append(nil, records, long, []byte(eventTail))
	b := batch{records: records, fits: fits, attempts: 2}
	actions := verdict(&b, overfull, policy{retries: 0, backoff: backoff{Base: 1, Cap: 1}}, noon)
	if fits != 1 || len(actions) != 1 || actions[0].kind != split || actions[0].n != 1 {
		t.Errorf("%d fit, %v", fits, actions)
	}
}

var _ Invoker = (*function.Service)(nil)

var _ Source = (*stream.Service)(nil)
