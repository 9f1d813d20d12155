package logs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/store"
)

const day = 24 * time.Hour

func at(t time.Time, text string) logs.Event { return logs.Event{Time: t, Message: text} }

func TestEventsOutOfTime(t *testing.T) {
	r := open(t)
	r.make("s")
	r.check(r.SetRetention(t.Context(), orders, 7))
	now := r.clock.Now()
	put := func(events ...logs.Event) (old, expired, ahead int) {
		t.Helper()
		rejected, err := r.Put(t.Context(), orders, "s", events)
		r.check(err)
		read := func(p *int) int {
			if p == nil {
				return -1
			}
			return *p
		}
		return read(rejected.TooOld), read(rejected.Expired), read(rejected.TooNew)
	}
	old, expired, ahead := put(at(now.Add(-14*day-time.Second), "a"), at(now.Add(-14*day), "b"))
	expect(t, "old", []int{old, expired, ahead}, []int{1, 2, -1})
	old, expired, ahead = put(at(now.Add(-7*day-time.Second), "c"), at(now.Add(-7*day), "d"))
	expect(t, "expired", []int{old, expired, ahead}, []int{-1, 1, -1})
	old, expired, ahead = put(at(now.Add(2*time.Hour), "e"), at(now.Add(2*time.Hour+time.Millisecond), "f"))
	expect(t, "ahead", []int{old, expired, ahead}, []int{-1, -1, 1})
	expect(t, "taken", r.everything(), "d e")

	_, err := r.Put(t.Context(), orders, "s", []logs.Event{at(now, "x"), at(now.Add(-time.Millisecond), "y")})
	r.expect(err, logs.ErrOrder)
	_, err = r.Put(t.Context(), orders, "s", []logs.Event{at(now.Add(-day-time.Millisecond), "x"), at(now, "y")})
	r.expect(err, logs.ErrSpan)
	_, err = r.Put(t.Context(), orders, "s", []logs.Event{at(now, strings.Repeat("x", 1<<20-25))})
	if fmt.Sprint(err) != "1048577 bytes of events exceed 1048576" {
		t.Error(err)
	}
	r.expect(r.SetRetention(t.Context(), orders, 2), logs.ErrRetention)
}

// What has expired is seen by nobody, and its storage given back.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		defer func() { cancel(); r.check(<-done) }()
		r.make("made")
		r.check(r.SetRetention(ctx, orders, 1))
		r.put("made", strings.Repeat("x", 300_000))
		printed := r.Writer().Stream(orders, "printed")
		printed.WriteLine(r.clock.Now(), []byte("old"))
		pass(time.Second)
		synctest.Wait()
		expect(t, "streams", r.streams(), "[made printed]")
		r.clock.Advance(day)
		r.put("made", "new")
		expect(t, "on the day after", len(r.read(logs.Query{All: true}).Events), 3)
		r.clock.Advance(time.Second)
		expect(t, "a second later", r.everything(), "new")
		r.clock.Advance(10 * time.Minute)
		synctest.Wait()
		g, err := r.Group(ctx, orders)
		r.check(err)
		if g.StoredBytes == 0 || g.StoredBytes > 1000 {
			t.Errorf("%d bytes are kept", g.StoredBytes)
		}
		r.clock.Advance(2 * day)
		synctest.Wait()
		r.check(r.clock.BlockUntilContext(ctx, 1))
		r.clock.Advance(10 * time.Minute)
		synctest.Wait()
		g, err = r.Group(ctx, orders)
		r.check(err)
		expect(t, "bytes when all has expired", g.StoredBytes, 0)
		expect(t, "streams then", r.streams(), "[made]")
		r.restart()
		expect(t, "streams after a restart", r.streams(), "[made]")
		r.put("made", "again")
		expect(t, "what comes then", r.everything(), "again")
	})
}

func TestGroupIsBounded(t *testing.T) {
	r := open(t, func(c *logs.Config) { c.GroupBytes, c.Streams = 2<<20, 3 })
	r.make("a")
	for i := range 50 {
		r.put("a", fmt.Sprint(i, ".")+strings.Repeat("x", 100_000))
		r.clock.Advance(time.Second)
	}
	check := func() {
		t.Helper()
		g, err := r.Group(t.Context(), orders)
		r.check(err)
		if g.StoredBytes > 2<<20+1<<19 || g.StoredBytes < 1<<20 {
			t.Errorf("%d bytes are kept", g.StoredBytes)
		}
		names := r.pages(logs.Query{All: true, Limit: 100})
		expect(t, "the newest event", names[len(names)-1], "49")
		if len(names) < 10 || len(names) > 25 {
			t.Errorf("%v are kept", names)
		}
	}
	check()
	r.restart()
	check()
	for _, name := range []string{"b", "c", "d"} {
		r.clock.Advance(time.Second)
		r.check(r.CreateStream(t.Context(), orders, name))
	}
	expect(t, "the one silent for longest has gone", r.streams(), "[b c d]")
	expect(t, "with its events", r.everything(), "")
}

// A deletion that was cut short is made up for, and the log of a group is not the log of a stream of records.
func TestDeletedGroupsLeaveNothing(t *testing.T) {
	r := open(t)
	r.make("s")
	r.put("s", strings.Repeat("x", 300_000))
	r.put("s", "open")
	failing := &failOnce{Store: r.store, drop: true}
	r.store = failing
	r.restart()
	r.check(r.DeleteGroup(t.Context(), orders))
	r.store = failing.Store
	r.restart()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rows := func() (n int) {
		for _, table := range []string{"log-groups", "log-streams", "log-extents", "log-doomed"} {
			for _, err := range r.store.Scan(t.Context(), table, "", "") {
				r.check(err)
				n++
			}
		}
		return n
	}
	if rows() == 0 {
		t.Error("nothing was cut short")
	}
	r.check(r.Run(ctx))
	run, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(run) }()
	r.check(r.clock.BlockUntilContext(t.Context(), 1)) // it has looked through everything, and waits
	end()
	r.check(<-done)
	expect(t, "rows", rows(), 0)
	bounds, err := r.store.Bounds(t.Context(), store.LogID{Stream: 1<<63 | 1})
	if err != nil || !bounds.Empty() {
		t.Error(bounds, err)
	}
}

// failOnce fails to drop logs.
type failOnce struct {
	logs.Store
	drop bool
}

func (f *failOnce) DropLogs(ctx context.Context, stream uint64) error {
	if f.drop {
		return context.DeadlineExceeded
	}
	return f.Store.DropLogs(ctx, stream)
}
