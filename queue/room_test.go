package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
)

var orders = queue.Name{Account: "000000000000", Region: "us-east-1", Name: "orders"}

// room is a service over a store in memory, with Run under way unless it was stopped.
type room struct {
	*queue.Service
	name   queue.Name // of the queue that the helpers use
	t      testing.TB
	tables store.Store
	stop   func()
}

// open starts a service over the store.
func open(t testing.TB, tables store.Store, edit ...func(*queue.Config)) *room {
	t.Helper()
	c := queue.Config{Store: tables, Clock: clockwork.NewRealClock(), Log: slog.New(slog.DiscardHandler)}
	for _, e := range edit {
		e(&c)
	}
	s, err := queue.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{Service: s, name: orders, t: t, tables: tables}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		r.stop = func() {}
	}
	return r
}

// bubble runs a test in virtual time, with a room that has the queue orders.
func bubble(t *testing.T, attributes map[string]string, test func(*testing.T, *room), edit ...func(*queue.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, disktest.Memory(t), edit...)
		t.Cleanup(func() { r.stop() })
		r.create(orders, attributes)
		test(t, r)
	})
}

func (r *room) create(name queue.Name, attributes map[string]string) {
	r.t.Helper()
	if err := r.Create(context.Background(), name, attributes, nil); err != nil {
		r.t.Fatal(err)
	}
}

// restart stops the room gracefully and opens it again.
func (r *room) restart(edit ...func(*queue.Config)) *room {
	r.t.Helper()
	r.stop()
	name := r.name
	*r = *open(r.t, r.tables, edit...)
	r.name = name
	return r
}

func (r *room) send(bodies ...string) {
	r.t.Helper()
	for _, b := range bodies {
		r.sendMessage(queue.Message{Body: b})
	}
}

func (r *room) sendMessage(m queue.Message) queue.Sent {
	r.t.Helper()
	sent, err := r.Send(context.Background(), r.name, m)
	if err != nil {
		r.t.Fatal(err)
	}
	if sent[0].Err != nil {
		r.t.Fatal(sent[0].Err)
	}
	return sent[0]
}

// receive takes up to n messages.
func (r *room) receive(n int, options ...func(*queue.ReceiveOptions)) []queue.Received {
	r.t.Helper()
	o := queue.ReceiveOptions{Max: n}
	for _, f := range options {
		f(&o)
	}
	got, err := r.Receive(context.Background(), r.name, o)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func waitFor(d time.Duration) func(*queue.ReceiveOptions) {
	return func(o *queue.ReceiveOptions) { o.Wait = &d }
}

func visibleAfter(d time.Duration) func(*queue.ReceiveOptions) {
	return func(o *queue.ReceiveOptions) { o.Visibility = &d }
}

// expect receives up to ten messages and compares their bodies, and returns them.
func (r *room) expect(bodies ...string) []queue.Received {
	r.t.Helper()
	got := r.receive(10)
	if have := fmt.Sprint(bodiesOf(got)); have != fmt.Sprint(bodies) {
		r.t.Fatalf("received %v, want %v", have, bodies)
	}
	return got
}

func bodiesOf(all []queue.Received) []string {
	bodies := []string{}
	for _, m := range all {
		bodies = append(bodies, m.Body)
	}
	return bodies
}

func (r *room) remove(handles ...string) {
	r.t.Helper()
	refused, err := r.DeleteMessages(context.Background(), r.name, handles...)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := errors.Join(refused...); err != nil {
		r.t.Fatal(err)
	}
}

// hide changes a message's visibility and returns what became of it.
func (r *room) hide(handle string, d time.Duration) error {
	r.t.Helper()
	refused, err := r.ChangeVisibility(context.Background(), r.name, queue.VisibilityChange{Handle: handle, Timeout: d})
	if err != nil {
		r.t.Fatal(err)
	}
	return refused[0]
}

func (r *room) counts() string {
	r.t.Helper()
	c, err := r.Count(context.Background(), r.name)
	if err != nil {
		r.t.Fatal(err)
	}
	return fmt.Sprintf("visible %d, in flight %d, delayed %d", c.Visible, c.InFlight, c.Delayed)
}

func (r *room) expectCounts(want string) {
	r.t.Helper()
	if got := r.counts(); got != want {
		r.t.Fatalf("counts: %s, want %s", got, want)
	}
}

// pass lets time go by in a bubble: its clock moves on when everything in it waits.
func pass(d time.Duration) { <-time.After(d) }
