package stream

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/store"
)

// notebook keeps samples: for each metric, those of streams, shards and consumers, in their order.
type notebook struct {
	mu      sync.Mutex
	samples map[string][]string
}

func (n *notebook) Stream(name Name) Samples { return page{n, name.Name} }

func (n *notebook) note(key string, v float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.samples == nil {
		n.samples = map[string][]string{}
	}
	n.samples[key] = append(n.samples[key], fmt.Sprint(v))
}

// take returns what was noted, a line for each metric, and forgets it.
func (n *notebook) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(n.samples)) {
		lines = append(lines, key+": "+strings.Join(n.samples[key], " "))
	}
	n.samples = nil
	return strings.Join(lines, "\n")
}

type page struct {
	book   *notebook
	stream string
}

var metricNames = [Metrics]string{
	"IncomingBytes", "IncomingRecords", "Write", "Read", "PutRecord.Bytes", "PutRecord.Latency", "PutRecord.Success", "PutRecords.Bytes",
	"PutRecords.Latency", "PutRecords.Success", "PutRecords.Total", "PutRecords.Successful", "PutRecords.Failed", "PutRecords.Throttled",
	"GetRecords.Bytes", "GetRecords.Age", "GetRecords.Latency", "GetRecords.Records", "GetRecords.Success",
	"OutgoingBytes", "OutgoingRecords", "IteratorAge", "Subscribe.Success", "Subscribe.RateExceeded", "Event.Bytes", "Event.Behind",
	"Event.Records", "Event.Success",
}

func (p page) Record(m Metric, v float64) { p.book.note(p.stream+" "+metricNames[m], v) }
func (p page) RecordShard(shard uint32, m Metric, v float64) {
	p.book.note(fmt.Sprintf("%s/%d %s", p.stream, shard, metricNames[m]), v)
}

func (p page) RecordConsumer(consumer string, m Metric, v float64) {
	p.book.note(p.stream+"/"+consumer+" "+metricNames[m], v)
}

func expectSamples(t *testing.T, book *notebook, want string) {
	t.Helper()
	if got := book.take(); got != want {
		t.Errorf("got\n%s\nand not\n%s", got, want)
	}
}

func TestSamplesOfPuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		r := newRig(t, Config{Recorder: book})
		r.make("s", 2)
		if _, err := r.PutOne(t.Context(), named("s"), Entry{Data: []byte("1234"), PartitionKey: "k"}); err != nil {
			t.Fatal(err)
		}
		expectSamples(t, book, `s IncomingBytes: 5
s IncomingRecords: 1
s PutRecord.Bytes: 5
s PutRecord.Latency: 0
s PutRecord.Success: 1
s Write: 0`)
		if _, _, err := r.Monitor(t.Context(), named("s"), []string{"IncomingRecords"}, true); err != nil {
			t.Fatal(err)
		}
		three := []Entry{{Data: []byte("1"), PartitionKey: "a"}, {Data: []byte("2"), PartitionKey: "b"}, {Data: []byte("3"), PartitionKey: "b"}}
		if _, err := r.Put(t.Context(), named("s"), three); err != nil {
			t.Fatal(err)
		}
		expectSamples(t, book, `s IncomingBytes: 6
s IncomingRecords: 3
s PutRecords.Bytes: 6
s PutRecords.Failed: 0
s PutRecords.Latency: 0
s PutRecords.Success: 1
s PutRecords.Successful: 3
s PutRecords.Throttled: 0
s PutRecords.Total: 3
s Write: 0
s/0 IncomingRecords: 1
s/1 IncomingRecords: 2`)
		// A call that is refused as a whole is none that AWS measures.
		if _, err := r.Put(t.Context(), named("s"), nil); !errors.Is(err, ErrPut) {
			t.Error(err)
		}
		if _, err := r.PutOne(t.Context(), named("none"), three[0]); err == nil {
			t.Error("there is no such stream")
		}
		expectSamples(t, book, "")
		r.stop()
	})
}

func TestSamplesOfFailedPuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		r := newRig(t, Config{Recorder: book})
		r.make("s", 1)
		r.hooks.set(func(store.LogID) error { return errors.New("no") }, nil)
		if put, err := r.PutOne(t.Context(), named("s"), Entry{Data: []byte("1234"), PartitionKey: "k"}); err != nil || put.Err == nil {
			t.Fatal(put, err)
		}
		expectSamples(t, book, `s IncomingBytes: 0
s IncomingRecords: 0
s PutRecord.Bytes: 0
s PutRecord.Latency: 0
s PutRecord.Success: 0
s Write: 0`)
		r.hooks.set(nil, nil)
		r.stop()
	})
}

// A queue that is full throttles what comes.
func TestSamplesOfThrottledPuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		r := newRig(t, Config{Recorder: book, QueueBytes: 1})
		r.make("s", 1)
		goOn := make(chan struct{})
		r.hooks.set(func(store.LogID) error { <-goOn; return nil }, nil)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _, _ = r.PutOne(t.Context(), named("s"), Entry{Data: []byte("1"), PartitionKey: "k"}) })
			synctest.Wait()
		}
		if got := book.take(); !strings.Contains(got, "PutRecord.Success: 0\ns Write: 1") {
			t.Error(got)
		}
		close(goOn)
		all.Wait()
		r.stop()
	})
}

func TestSamplesOfReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		r := newRig(t, Config{Recorder: book})
		st := r.make("s", 1)
		if _, _, err := r.Monitor(t.Context(), named("s"), []string{AllShardMetrics}, true); err != nil {
			t.Fatal(err)
		}
		r.put("s", "k", "123")
		book.take()
		<-r.clock.After(1500 * time.Millisecond)
		key := ShardKey{st.Number, 0}
		b, err := r.Read(t.Context(), key, 0, 10, 1<<20)
		if err != nil || len(b.Records) != 1 {
			t.Fatal(b, err)
		}
		if _, err := r.Read(t.Context(), key, b.Next, 10, 1<<20); err != nil {
			t.Fatal(err)
		}
		expectSamples(t, book, `s GetRecords.Age: 1500 0
s GetRecords.Bytes: 4 0
s GetRecords.Latency: 0 0
s GetRecords.Records: 1 0
s GetRecords.Success: 1 1
s Read: 0 0
s/0 IteratorAge: 1500 0
s/0 OutgoingBytes: 4 0
s/0 OutgoingRecords: 1 0
s/0 Read: 0 0`)
		r.stop()
	})
}

// A sixth read within a second is refused where shards have AWS's limits.
func TestSamplesOfLimitedReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		r := newRig(t, Config{Recorder: book, ShardLimits: true})
		key := ShardKey{r.make("s", 1).Number, 0}
		for n := range 6 {
			if _, err := r.ReadLimited(t.Context(), key, 0, 10, 1<<20); (err != nil) != (n == 5) {
				t.Errorf("read %d: %v", n, err)
			}
		}
		if got := book.take(); !strings.Contains(got, "GetRecords.Success: 1 1 1 1 1 0\ns Read: 0 0 0 0 0 1") {
			t.Error(got)
		}
		r.stop()
	})
}

func TestSamplesOfSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		r := newRig(t, Config{Recorder: book})
		r.make("s", 1)
		c := r.register("s", "c")
		r.put("s", "k", "123")
		book.take()
		sub := r.subscribe(c, 0, Start{Type: TrimHorizon})
		r.next(sub)
		r.next(sub) // which says that there is nothing new
		if _, err := r.Subscribe(t.Context(), c.ID(), 0, Start{Type: Latest}); err != nil {
			t.Fatal(err)
		}
		expectSamples(t, book, `s/c Event.Behind: 0 0
s/c Event.Bytes: 4 0
s/c Event.Records: 1 0
s/c Event.Success: 1 1
s/c Subscribe.RateExceeded: 0 0
s/c Subscribe.Success: 1 1`)
		sub.Close()
		r.stop()
	})
}
