package queue_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
)

// TestConcurrentProducersAndConsumers sends from several goroutines while others receive with long polls, delete, let
// go and let time out, in real time. Every message must be processed, and by one consumer at a time.
func TestConcurrentProducersAndConsumers(t *testing.T) {
	const producers, consumers = 4, 8
	batches := 150
	if race.Enabled {
		batches = 40
	}
	tables := disktest.Memory(t)
	// A low limit keeps the window short of what is in the store, so that it is refilled again and again.
	r := open(t, tables, func(c *queue.Config) { c.InFlight = 500 })
	defer func() { r.stop() }()
	r.create(orders, nil)

	var holders sync.Map // body -> *atomic.Int32, the consumers that hold it
	var left atomic.Int64
	left.Store(int64((producers + 3) * batches * 10))
	for p := range 3 { // a backlog that is longer than the window
		produce(t, r, producers+p, batches)
	}
	done, finish := context.WithCancel(context.Background())
	defer finish()
	var all sync.WaitGroup
	for p := range producers {
		all.Go(func() { produce(t, r, p, batches) })
	}
	for c := range consumers {
		all.Go(func() {
			for n := 0; done.Err() == nil; n++ {
				for i, m := range poll(t, done, r) {
					held, _ := holders.LoadOrStore(m.Body, new(atomic.Int32))
					if held.(*atomic.Int32).Add(1) != 1 {
						t.Errorf("%s is with two consumers", m.Body)
					}
					letGo := (c+n+i)%7 == 0
					runtime.Gosched()
					held.(*atomic.Int32).Add(-1)
					if letGo {
						if err := r.hide(m.Handle, 0); err != nil {
							t.Error(err)
						}
						continue
					}
					r.remove(m.Handle)
					if left.Add(-1) == 0 {
						finish()
					}
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		all.Wait()
	}()
	select {
	case <-finished:
	case <-time.After(8 * time.Minute):
		finish()
		t.Fatalf("%d messages were not received; %s", left.Load(), r.counts())
	}
	r.expectCounts("visible 0, in flight 0, delayed 0")
	r.expect()
}

func produce(t *testing.T, r *room, producer, batches int) {
	for i := range batches {
		var batch []queue.Message
		for j := range 10 {
			batch = append(batch, queue.Message{Body: fmt.Sprintf("%d-%d-%d", producer, i, j)})
			if j == 0 {
				delay := time.Second
				batch[0].Delay = &delay
			}
		}
		sent, err := r.Send(background, orders, batch...)
		if err != nil {
			t.Error(err)
			return
		}
		for _, s := range sent {
			if s.Err != nil {
				t.Error(s.Err)
			}
		}
	}
}

func poll(t *testing.T, ctx context.Context, r *room) []queue.Received {
	wait := 20 * time.Second
	got, err := r.Receive(ctx, orders, queue.ReceiveOptions{Max: 10, Wait: &wait})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	return got
}

// TestPurgeAmongSends purges while others send: what was acknowledged before the purge must be gone, what was sent after
// it must be there.
func TestPurgeAmongSends(t *testing.T) {
	tables := disktest.Memory(t)
	r := open(t, tables)
	defer func() { r.stop() }()
	for round := range 20 {
		name := queue.Name{Account: "000000000000", Region: "us-east-1", Name: fmt.Sprint("q", round)}
		r.create(name, nil)
		before, after := sendAroundPurge(t, r, name)
		for {
			got, err := r.Receive(background, name, queue.ReceiveOptions{Max: 10})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 {
				break
			}
			for _, m := range got {
				if before[m.Body] {
					t.Errorf("round %d: %s was purged and is there", round, m.Body)
				}
				delete(after, m.Body)
			}
		}
		if len(after) > 0 {
			t.Errorf("round %d: sent after the purge and gone: %v", round, after)
		}
	}
}

// sendAroundPurge returns what was acknowledged before a purge began, and what was begun after it had ended.
func sendAroundPurge(t *testing.T, r *room, name queue.Name) (before, after map[string]bool) {
	before, after = map[string]bool{}, map[string]bool{}
	var mu sync.Mutex
	phase := 0 // 0 before the purge, 1 during, 2 after
	var all sync.WaitGroup
	for p := range 4 {
		all.Go(func() {
			for i, later := 0, 0; later < 20; i++ {
				body := fmt.Sprint(p, "-", i)
				mu.Lock()
				begun := phase
				mu.Unlock()
				if _, err := r.Send(background, name, queue.Message{Body: body}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if phase == 0 {
					before[body] = true
				}
				if begun == 2 {
					after[body] = true
					later++
				}
				mu.Unlock()
			}
		})
	}
	for n := 0; n < 30; {
		runtime.Gosched()
		mu.Lock()
		n = len(before)
		mu.Unlock()
	}
	mu.Lock()
	phase = 1
	mu.Unlock()
	if err := r.Purge(background, name); err != nil {
		t.Error(err)
	}
	mu.Lock()
	phase = 2
	mu.Unlock()
	all.Wait()
	return before, after
}

// failing is a store whose commits fail when told to.
type failing struct {
	store.Tables
	fail atomic.Bool
}

var errBroken = errors.New("the store is broken")

func (f *failing) Commit(ctx context.Context, writes ...store.Write) error {
	if f.fail.Load() {
		return errBroken
	}
	return f.Tables.Commit(ctx, writes...)
}

func TestFailingStore(t *testing.T) {
	var broken *failing
	bubble(t, nil, func(t *testing.T, r *room) {
		r.send("a", "b")
		got := r.expect("a", "b")
		broken.fail.Store(true)
		if _, err := r.Send(background, orders, queue.Message{Body: "c"}); !errors.Is(err, errBroken) {
			t.Errorf("send: %v", err)
		}
		if _, err := r.DeleteMessages(background, orders, got[0].Handle); !errors.Is(err, errBroken) {
			t.Errorf("delete: %v", err)
		}
		if err := r.Purge(background, orders); !errors.Is(err, errBroken) {
			t.Errorf("purge: %v", err)
		}
		if err := r.SetAttributes(background, orders, map[string]string{"VisibilityTimeout": "0"}); !errors.Is(err, errBroken) {
			t.Errorf("set attributes: %v", err)
		}
		if err := r.Delete(background, orders); !errors.Is(err, errBroken) {
			t.Errorf("delete queue: %v", err)
		}
		if err := r.Create(background, queue.Name{Name: "new"}, nil, nil); !errors.Is(err, errBroken) {
			t.Errorf("create: %v", err)
		}
		// All is as before; the message whose delete failed comes back at its time, and housekeeping goes on once
		// the store works again.
		r.expect()
		r.expectCounts("visible 0, in flight 2, delayed 0")
		pass(30 * time.Second)
		r.expect("a", "b")
		broken.fail.Store(false)
		pass(10 * time.Second)
		r.restart()
		r.expectCounts("visible 0, in flight 2, delayed 0")
	}, func(c *queue.Config) {
		broken = &failing{Tables: c.Store}
		c.Store = broken
	})
}
