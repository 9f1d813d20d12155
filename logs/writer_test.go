package logs_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/logs"
	"github.com/millrace/millrace/store"
)

// running runs a room inside a bubble while body runs.
func running(t *testing.T, body func(t *testing.T, r *room), with ...func(*logs.Config)) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, with...)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		body(t, r)
		cancel()
		r.check(<-done)
	})
}

// What is printed is there at once when somebody asks for it, else a moment later, and never more than ten times a second.
func TestWriterIsSoonAndSeldom(t *testing.T) {
	running(t, func(t *testing.T, r *room) {
		s := r.Writer().Stream(orders, "s")
		seen := func(want string) {
			t.Helper()
			synctest.Wait()
			if _, err := r.Group(t.Context(), orders); err != nil {
				expect(t, "nothing is made", want, "")
				return
			}
			expect(t, "seen", r.everything(), want)
		}
		s.WriteLine(r.clock.Now(), []byte("1"))
		seen("")
		s.Flush()
		seen("1")
		s.WriteLine(r.clock.Now(), []byte("2"))
		s.Flush()
		pass(99 * time.Millisecond)
		seen("1")
		pass(time.Millisecond)
		seen("1 2")
		pass(time.Second)
		s.WriteLine(r.clock.Now(), []byte("3"))
		pass(99 * time.Millisecond)
		seen("1 2")
		pass(time.Millisecond)
		seen("1 2 3")
		pass(time.Second)
		s.WriteLine(r.clock.Now(), []byte("left at the end"))
	})
}

// What a writer has when the room stops is durable when it has stopped.
func TestWriterEndsWithEverything(t *testing.T) {
	r := open(t)
	a, b := r.Writer().Stream(orders, "a"), r.Writer().Stream(orders, "b")
	for i := range 100 {
		a.WriteLine(r.clock.Now(), fmt.Append(nil, i))
		b.WriteLine(r.clock.Now().Add(-time.Duration(i)*time.Second), []byte("b")) // the clock goes back
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.check(r.Run(ctx))
	r.restart()
	got := r.read(logs.Query{Streams: []string{"a"}})
	for i, e := range got.Events {
		if e.Message != fmt.Sprint(i, "\n") || !e.Time.Equal(noon) || e.Stream != "a" {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	expect(t, "events", len(got.Events), 100)
	expect(t, "events of b", len(r.read(logs.Query{Streams: []string{"b"}, From: &noon}).Events), 100)
	expect(t, "streams", r.streams(), "[a b]")
}

func TestLinesAreMadeEvents(t *testing.T) {
	running(t, func(t *testing.T, r *room) {
		s := r.Writer().Stream(orders, "s")
		for _, line := range []string{"", "a\rb", "caf\xe9", "two\nlines", strings.Repeat("x", 2<<20)} {
			s.WriteLine(r.clock.Now(), []byte(line))
		}
		s.Flush()
		synctest.Wait()
		got := r.read(logs.Query{All: true}).Events
		for i, want := range []string{"\n", "a\rb\n", "caf\uFFFD\n", "two\nlines\n"} {
			expect(t, "event", fmt.Sprintf("%q", got[i].Message), fmt.Sprintf("%q", want))
		}
		// The long one is alone on its page.
		end := r.read(logs.Query{All: true, Backward: true, Limit: 1}).Events
		if long := end[0].Message; len(long)+26 != 1<<20 || !strings.HasSuffix(long, "x\n") {
			t.Errorf("the long one has %d bytes", len(long))
		}
	})
}

// held is a store whose appends wait, or fail.
type held struct {
	logs.Store
	gate chan struct{} // an append takes an element
	full atomic.Bool
}

func (h *held) Append(ctx context.Context, log store.LogID, draft store.Draft) (uint64, error) {
	<-h.gate
	if h.full.Load() {
		return 0, store.ErrFull
	}
	return h.Store.Append(ctx, log, draft)
}

// A writer whose store is slow or full holds nobody up, keeps no more than it may, and says in the log what is missing.
func TestWriterDropsAndSaysSo(t *testing.T) {
	var h *held
	running(t, func(t *testing.T, r *room) {
		s, other := r.Writer().Stream(orders, "s"), r.Writer().Stream(logs.Name{Scope: scope, Group: "other"}, "o")
		line := []byte(strings.Repeat("x", 999))
		for range 300 { // of 1026 bytes; 256 KiB are kept of a group
			s.WriteLine(r.clock.Now(), line)
		}
		s.WriteLine(r.clock.Now(), []byte("so short that it has room"))
		other.WriteLine(r.clock.Now(), []byte("another group's"))
		if d := r.Writer().Dropped(); d < 40 || d > 50 {
			t.Errorf("%d are dropped", d)
		}
		s.Flush()
		synctest.Wait()
		h.gate <- struct{}{}
		h.gate <- struct{}{}
		synctest.Wait()
		got := r.read(logs.Query{All: true}).Events
		dropped := r.Writer().Dropped()
		expect(t, "kept", int64(len(got))-1, 301-dropped)
		said := func(n int64) string {
			return fmt.Sprintf("[millrace] %d events of this log were dropped here: they came faster than they could be kept\n", n)
		}
		expect(t, "said where they are missing", got[len(got)-2].Message, said(dropped))
		expect(t, "last", got[len(got)-1].Message, "so short that it has room\n")

		h.full.Store(true)
		for range 3 {
			s.WriteLine(r.clock.Now(), []byte("lost"))
			pass(time.Second)
			h.gate <- struct{}{}
			synctest.Wait()
		}
		expect(t, "dropped", r.Writer().Dropped(), dropped+3)
		h.full.Store(false)
		r.clock.Advance(time.Second)
		s.WriteLine(r.clock.Now(), []byte("found"))
		pass(time.Second)
		h.gate <- struct{}{}
		synctest.Wait()
		now := r.clock.Now().Add(-time.Second)
		expect(t, "afterwards", texts(r.read(logs.Query{All: true, Backward: true, Limit: 2, From: &now})), strings.TrimSpace(said(3))+" found")
		expect(t, "the other group", len(mustRead(t, r, "other")), 1)
		close(h.gate)
	}, func(c *logs.Config) {
		if h == nil {
			h = &held{Store: c.Store, gate: make(chan struct{})}
		}
		c.Store, c.BufferBytes = h, 1<<20
	})
}

func mustRead(t *testing.T, r *room, group string) []logs.Found {
	t.Helper()
	page, err := r.Read(t.Context(), logs.Name{Scope: scope, Group: group}, logs.Query{All: true, Limit: 10})
	r.check(err)
	return page.Events
}

// A group that is deleted while a function prints comes back with the next event.
func TestWriterMakesWhatIsMissing(t *testing.T) {
	running(t, func(t *testing.T, r *room) {
		s := r.Writer().Stream(orders, "s")
		for _, text := range []string{"1", "2", "3"} {
			s.WriteLine(r.clock.Now(), []byte(text))
			pass(time.Second)
			expect(t, "seen", r.everything(), text)
			if text == "1" {
				r.check(r.DeleteGroup(t.Context(), orders))
			} else {
				r.check(r.DeleteStream(t.Context(), orders, "s"))
			}
		}
	})
}
