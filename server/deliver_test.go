package server

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/topic"
)

// openTopics opens the two rooms on a file system.
func openTopics(t *testing.T, fs vfs.FS) (*queue.Service, *topic.Service) {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true, FS: fs, ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	queues, err := queue.New(t.Context(), queue.Config{Store: engine, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	topics, err := topic.New(t.Context(), topic.Config{Store: engine, Clock: clock, Log: slog.New(slog.DiscardHandler), Deliverer: queueDeliverer{queues}})
	if err != nil {
		t.Fatal(err)
	}
	return queues, topics
}

// TestPublishedSurvives loses everything that was not synced at the moment when a publish was acknowledged: every queue that
// was subscribed has every message that was acknowledged by then.
func TestPublishedSurvives(t *testing.T) {
	const subscribed, publishes = 3, 5
	fs, ctx := vfs.NewCrashableMem(), t.Context()
	queues, topics := openTopics(t, fs)
	name := topic.Name{Account: "000000000000", Region: "us-east-1", Name: "orders"}
	if err := topics.Create(ctx, name, nil, nil); err != nil {
		t.Fatal(err)
	}
	at := func(i int) queue.Name {
		return queue.Name{Account: name.Account, Region: name.Region, Name: fmt.Sprint("q", i)}
	}
	for i := range subscribed {
		if err := queues.Create(ctx, at(i), nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := topics.Subscribe(ctx, name, name.Account, "sqs", at(i).ARN(), map[string]string{topic.RawMessageDelivery: "true"}); err != nil {
			t.Fatal(err)
		}
	}
	var clones []*vfs.MemFS
	for i := range publishes {
		if _, err := topics.Publish(ctx, name, topic.Message{Text: fmt.Sprint("a", i)}, topic.Message{Text: fmt.Sprint("b", i)}); err != nil {
			t.Fatal(err)
		}
		clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{}))
	}
	for n, clone := range clones {
		again, _ := openTopics(t, clone)
		for i := range subscribed {
			counts, err := again.Count(ctx, at(i))
			if err != nil || counts.Visible != int64(2*(n+1)) {
				t.Errorf("after %d publishes queue %d holds %+v, %v", n+1, i, counts, err)
			}
		}
	}
}

// What a queue can never take is dropped: a queue that is gone, an attribute too many. The others have it.
func TestUndeliverable(t *testing.T) {
	queues, topics := openTopics(t, nil)
	ctx, name := t.Context(), topic.Name{Account: "000000000000", Region: "us-east-1", Name: "orders"}
	if err := topics.Create(ctx, name, nil, nil); err != nil {
		t.Fatal(err)
	}
	here := queue.Name{Account: name.Account, Region: name.Region, Name: "here"}
	small := queue.Name{Account: name.Account, Region: name.Region, Name: "small"}
	if err := queues.Create(ctx, here, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := queues.Create(ctx, small, map[string]string{"MaximumMessageSize": "1024"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{here.ARN(), small.ARN(), "arn:aws:sqs:us-east-1:000000000000:gone"} {
		if _, err := topics.Subscribe(ctx, name, name.Account, "sqs", endpoint, map[string]string{topic.RawMessageDelivery: "true"}); err != nil {
			t.Fatal(err)
		}
	}
	long := topic.Message{Text: fmt.Sprintf("%02000d", 1)}
	many := topic.Message{Text: "x", Attributes: map[string]topic.Attribute{}}
	for i := range 11 {
		many.Attributes[fmt.Sprint("a", i)] = topic.Attribute{Type: "String", Text: "x"}
	}
	if _, err := topics.Publish(ctx, name, long, many, topic.Message{Text: "plain"}); err != nil {
		t.Fatal(err)
	}
	for queue, want := range map[queue.Name]int64{here: 2, small: 1} {
		if counts, err := queues.Count(ctx, queue); err != nil || counts.Visible != want {
			t.Errorf("%s holds %+v, %v", queue.Name, counts, err)
		}
	}
}
