package logs_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/logs"
)

var seed = flag.Uint64("seed", 1, "what the model's events and questions are made of")

// modelled is an event as the model has it, in the order in which it was put.
type modelled struct {
	at     time.Time
	stream string
	text   string // the number of the event, and filling that makes extents of few events
}

func name(text string) string { n, _, _ := strings.Cut(text, "."); return n }

// TestReadingAgreesWithAModel puts events of many sizes, times and streams, restarts now and then, and reads them by all
// kinds of queries page by page: what comes is what sorting all events gives.
func TestReadingAgreesWithAModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(*seed, 0))
	r := open(t)
	names := []string{"a", "b", "c/1", "c/2"}
	r.make(names...)
	var all []modelled
	for range 40 {
		stream := names[rng.IntN(len(names))]
		at := r.clock.Now().Add(-time.Duration(rng.IntN(100)) * time.Minute)
		var events []logs.Event
		for range 1 + rng.IntN(30) {
			text := fmt.Sprintf("%d.", len(all)) + strings.Repeat("x", rng.IntN(2)*rng.IntN(30_000))
			events = append(events, logs.Event{Time: at, Message: text})
			all = append(all, modelled{at, stream, text})
			at = at.Add(time.Duration(rng.IntN(3)) * time.Minute)
		}
		_, err := r.Put(t.Context(), orders, stream, events)
		r.check(err)
		r.clock.Advance(time.Duration(rng.IntN(5)) * time.Minute)
		if rng.IntN(8) == 0 {
			r.restart()
		}
	}
	slices.SortStableFunc(all, func(a, b modelled) int { return a.at.Compare(b.at) })
	questions := 60
	if race.Enabled {
		questions = 10
	}
	for i := range questions {
		q := logs.Query{All: rng.IntN(2) == 0, Limit: 1 + rng.IntN(100), Backward: i%2 == 0}
		if q.All {
			q.Prefix = []string{"", "c/", "c/2", "none"}[rng.IntN(4)]
		} else {
			q.Streams = names[:1+rng.IntN(len(names))]
		}
		if rng.IntN(2) == 0 {
			from := all[rng.IntN(len(all))].at
			to := from.Add(time.Duration(rng.IntN(120)) * time.Minute)
			q.From, q.To = &from, &to
		}
		if digit := fmt.Sprint(rng.IntN(10)); rng.IntN(3) == 0 {
			q.Match = func(m []byte) bool { return strings.Contains(name(string(m)), digit) }
		}
		var want []string
		for _, e := range all {
			named := q.All && strings.HasPrefix(e.stream, q.Prefix) || slices.Contains(q.Streams, e.stream)
			timed := q.From == nil || !e.at.Before(*q.From) && e.at.Before(*q.To)
			if named && timed && (q.Match == nil || q.Match([]byte(e.text))) {
				want = append(want, name(e.text))
			}
		}
		if got := r.pages(q); !slices.Equal(got, want) {
			t.Fatalf("seed %d, query %d %+v:\n%v, not\n%v", *seed, i, q, got, want)
		}
	}
}

// pages reads all pages of a query and returns the events in order.
func (r *room) pages(q logs.Query) (names []string) {
	r.t.Helper()
	for range 10_000 {
		page := r.read(q)
		var part []string
		bytes := 0
		for _, e := range page.Events {
			part = append(part, name(e.Message))
			bytes += len(e.Message)
		}
		if len(part) > q.Limit || bytes > logs.MaxPageBytes {
			r.t.Fatalf("a page of %d events and %d bytes", len(part), bytes)
		}
		if q.Backward {
			names = append(part, names...)
			q.At = &page.Begin
		} else {
			names = append(names, part...)
			q.At = &page.End
		}
		if !page.More {
			return names
		}
	}
	r.t.Fatal("there is no last page")
	return nil
}
