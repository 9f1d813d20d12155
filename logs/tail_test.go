package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/logs"
)

func TestTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, func(c *logs.Config) { c.Clock = clockwork.NewRealClock() })
		now := time.Now()
		r.make("a", "b/1")
		put := func(stream string, texts ...string) {
			t.Helper()
			for _, text := range texts {
				_, err := r.Put(t.Context(), orders, stream, []logs.Event{at(now, text)})
				r.check(err)
			}
		}
		put("a", "before")
		follow := func(f logs.TailFilter) *logs.Tail {
			t.Helper()
			f.Groups = []logs.Name{orders}
			tail, err := r.Tail(f)
			r.check(err)
			return tail
		}
		all, some := follow(logs.TailFilter{}), follow(logs.TailFilter{Streams: []string{"x"}, Prefixes: []string{"b/"}, Match: func(m []byte) bool {
			return !bytes.Contains(m, []byte("no"))
		}})
		put("a", "1")
		put("b/1", "2", "no")
		heard := func(tail *logs.Tail) string {
			t.Helper()
			events, sampled, err := tail.Next(t.Context())
			r.check(err)
			text := ""
			for _, e := range events {
				text += e.Stream + ":" + e.Message + " "
			}
			return fmt.Sprint(text, sampled)
		}
		expect(t, "all", heard(all), "a:1 b/1:2 b/1:no false")
		expect(t, "some", heard(some), "b/1:2 false")
		expect(t, "a second without any", heard(all), "false")
		for range 600 {
			put("a", "x")
		}
		events, sampled, err := all.Next(t.Context())
		if len(events) != 500 || !sampled || err != nil {
			t.Errorf("%d events, sampled %v, %v", len(events), sampled, err)
		}
		some.Close()
		pass(3 * time.Hour)
		if _, _, err := all.Next(t.Context()); !errors.Is(err, logs.ErrTailOver) {
			t.Error(err)
		}
		all.Close()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		another := follow(logs.TailFilter{})
		if _, _, err := another.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		r.EndTails()
		if _, _, err := another.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		for range 99 {
			follow(logs.TailFilter{})
		}
		_, err = r.Tail(logs.TailFilter{Groups: []logs.Name{orders}})
		r.expect(err, logs.ErrTooManyTails)
		_, err = r.Tail(logs.TailFilter{Groups: []logs.Name{{Scope: scope, Group: "none"}}})
		r.expect(err, logs.ErrGroupNotFound)
	})
}
