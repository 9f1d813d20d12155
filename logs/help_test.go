package logs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/store/disk/disktest"
)

var (
	noon   = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	scope  = logs.Scope{Account: "000000000000", Region: "us-east-1"}
	orders = logs.Name{Scope: scope, Group: "orders"}
)

// room is a service over a store in memory, with a clock that stands still.
type room struct {
	*logs.Service
	t     *testing.T
	store logs.Store
	clock *clockwork.FakeClock
	with  []func(*logs.Config)
}

func open(t *testing.T, with ...func(*logs.Config)) *room {
	t.Helper()
	s := disktest.Memory(t)
	r := &room{t: t, store: s, clock: clockwork.NewFakeClockAt(noon), with: with}
	r.restart()
	return r
}

// restart makes a new service of what the store holds.
func (r *room) restart() {
	r.t.Helper()
	c := logs.Config{Store: r.store, Clock: r.clock}
	for _, set := range r.with {
		set(&c)
	}
	var err error
	r.Service, err = logs.New(c)
	r.check(err)
}

func (r *room) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) expect(err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Errorf("%v, not %v", err, want)
	}
}

// make makes the group orders with streams.
func (r *room) make(streams ...string) {
	r.t.Helper()
	r.check(r.CreateGroup(r.t.Context(), orders, logs.Settings{}))
	for _, name := range streams {
		r.check(r.CreateStream(r.t.Context(), orders, name))
	}
}

// put puts messages that happen now.
func (r *room) put(stream string, messages ...string) {
	r.t.Helper()
	var events []logs.Event
	for _, m := range messages {
		events = append(events, logs.Event{Time: r.clock.Now(), Message: m})
	}
	rejected, err := r.Put(r.t.Context(), orders, stream, events)
	if err != nil || rejected != (logs.Rejected{}) {
		r.t.Fatal(rejected, err)
	}
}

func (r *room) read(q logs.Query) logs.Page {
	r.t.Helper()
	if q.Limit == 0 {
		q.Limit = 10_000
	}
	page, err := r.Read(r.t.Context(), orders, q)
	r.check(err)
	return page
}

// texts are the messages of a page, without their ends.
func texts(p logs.Page) string {
	var all []string
	for _, e := range p.Events {
		all = append(all, strings.TrimRight(e.Message, "\n"))
	}
	return strings.Join(all, " ")
}

// everything is what a reader of all streams sees.
func (r *room) everything() string {
	r.t.Helper()
	return texts(r.read(logs.Query{All: true}))
}

func (r *room) streams() string {
	r.t.Helper()
	all, _, err := r.Streams(r.t.Context(), orders, logs.StreamList{Limit: 50})
	r.check(err)
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return fmt.Sprint(names)
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

// pass lets time go by in a bubble.
func pass(d time.Duration) { <-time.After(d) }
