package history

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 9, 19, 9, 0, 0, 0, time.UTC)

// finish records a batch that was delivered at once.
func finish(l *Log, shard string, at time.Time) ID {
	t := l.Begin(Batch{ShardID: shard, Records: 1, Gathered: at})
	t.Try("r", 1, nil, at)
	t.Answer(Answer{Outcome: AttemptDelivered}, at)
	t.End(at)
	return t.ID()
}

func TestTrail(t *testing.T) {
	l := NewRecorder(1 << 20).Log("m")
	whole := l.Begin(Batch{ShardID: "s", Records: 3, Gathered: start})
	whole.Try("r1", 3, nil, start)
	whole.Answer(Answer{Outcome: AttemptFailed, FunctionError: "Unhandled", Problem: strings.Repeat("x", 1000)}, start.Add(1500*time.Microsecond))
	left, right := whole.Split(Part{Records: 1}, Part{Records: 2}, "bisect", start)
	left.Try("r2", 1, nil, start)
	left.Answer(Answer{Outcome: AttemptFailed}, start)
	left.Wait(Wait{For: WaitBackoff, Until: start.Add(time.Second)})
	left.Try("r2", 1, nil, start)
	attempts, omitted := left.Attempts()
	if len(attempts) != 3 || omitted != 0 || attempts[0].RequestID != "r1" || attempts[1].Wait.For != WaitBackoff {
		t.Errorf("%+v, %d omitted", attempts, omitted)
	}
	left.Discard(Discard{Condition: "RecordAgeExceeded", Records: 1})
	left.End(start)
	right.Try("r3", 2, nil, start)
	right.Stop(start)
	right.Stop(start.Add(time.Hour))

	found, more := l.List(Query{Limit: 10})
	if len(found) != 3 || more {
		t.Fatalf("%+v", found)
	}
	b := found[2]
	if b.Outcome != OutcomeSplit || b.SplitFor != "bisect" || len(b.Children) != 2 || b.Children[0] != left.ID() || b.Attempts[0].DurationMS != 1.5 ||
		len(b.Attempts[0].Problem) > maxProblem+len("…") {
		t.Errorf("%+v", b)
	}
	if b = found[1]; b.Outcome != OutcomeDiscarded || b.Parent != whole.ID() || len(b.Discards) != 1 {
		t.Errorf("%+v", b)
	}
	if b = found[0]; b.Outcome != OutcomeStopped || b.Attempts[0].Outcome != AttemptAbandoned || !b.Ended.Equal(start) {
		t.Errorf("%+v", b)
	}
}

// A batch that is retried for weeks keeps the first and the last of its attempts, and so does what is cut from it.
func TestManyAttempts(t *testing.T) {
	l := NewRecorder(1 << 20).Log("m")
	trail := l.Begin(Batch{Records: 2, Gathered: start})
	for i := range 1000 {
		trail.Try(fmt.Sprint("r", i), 2, nil, start)
		trail.Answer(Answer{Outcome: AttemptThrottled}, start)
		trail.Discard(Discard{Condition: RetentionPassed})
	}
	left, _ := trail.Split(Part{Records: 1}, Part{Records: 1}, "bisect", start)
	left.Try("last", 1, nil, start)
	attempts, omitted := left.Attempts()
	if len(attempts) != maxKept || len(attempts)+omitted != 1001 || attempts[9].RequestID != "r9" || attempts[maxKept-1].RequestID != "last" {
		t.Errorf("%d attempts, %d omitted", len(attempts), omitted)
	}
	b, _ := l.Get(trail.ID())
	if len(b.Attempts)+b.AttemptsOmitted != 1000 || len(b.Discards)+b.DiscardsOmitted != 1000 || b.Outcome != OutcomeSplit {
		t.Errorf("%d attempts, %d discards", len(b.Attempts), len(b.Discards))
	}
}

// The memory is bounded over all mappings, and one that has little keeps it whatever the others do. Batches at work
// stay.
func TestRecorderIsBounded(t *testing.T) {
	const limit = 100 << 10
	r := NewRecorder(limit)
	quiet, busy, busier := r.Log("quiet"), r.Log("busy"), r.Log("busier")
	work := busier.Begin(Batch{Gathered: start})
	first := finish(quiet, "s", start)
	for i := range 1000 {
		at := start.Add(time.Duration(i) * time.Second)
		finish(busier, "s", at)
		finish(busier, "s", at)
		if i%2 == 0 {
			finish(busy, "s", at)
		}
		if r.Bytes() > limit {
			t.Fatalf("%d bytes are held", r.Bytes())
		}
	}
	if _, ok := quiet.Get(first); !ok {
		t.Error("the quiet mapping has lost its batch")
	}
	if _, ok := busier.Get(work.ID()); !ok {
		t.Error("a batch at work was forgotten")
	}
	newest, more := busier.List(Query{Limit: 5})
	if len(newest) != 5 || !more || !newest[0].Gathered.Equal(start.Add(999*time.Second)) {
		t.Errorf("%+v", newest)
	}
	work.End(start)
	for _, name := range []string{"quiet", "busy", "busier"} {
		r.Drop(name)
	}
	if finish(busy, "s", start); r.Bytes() != 0 {
		t.Errorf("%d bytes are held for nobody", r.Bytes())
	}
}

func TestNothingIsHeld(t *testing.T) {
	r := NewRecorder(-1)
	l := r.Log("m")
	id := finish(l, "s", start)
	if _, ok := l.Get(id); ok || r.Bytes() != 0 {
		t.Errorf("%d bytes are held", r.Bytes())
	}
}

func TestList(t *testing.T) {
	l := NewRecorder(1 << 20).Log("m")
	var ids []ID
	for i := range 10 {
		ids = append(ids, finish(l, fmt.Sprint("s", i%2), start.Add(time.Duration(i)*time.Second)))
	}
	at := finish(l, "s0", start) // the clock was set back
	if at <= ids[9] {
		t.Errorf("%s comes after %s", at, ids[9])
	}
	count := func(q Query) int {
		q.Limit = 100
		found, _ := l.List(q)
		return len(found)
	}
	for _, c := range []struct {
		name string
		q    Query
		want int
	}{
		{"all", Query{}, 11},
		{"shard", Query{ShardID: "s1"}, 5},
		{"outcome", Query{Outcome: OutcomeSplit}, 0},
		{"outcome", Query{Outcome: OutcomeDelivered}, 11},
		{"since", Query{Since: start.Add(7 * time.Second)}, 3},
		{"before", Query{Before: ids[4]}, 4},
	} {
		if got := count(c.q); got != c.want {
			t.Errorf("%s: %d batches, want %d", c.name, got, c.want)
		}
	}
	var paged []ID
	for q := (Query{Limit: 3}); ; {
		found, more := l.List(q)
		for _, b := range found {
			paged = append(paged, b.ID)
		}
		if !more {
			break
		}
		q.Before = found[len(found)-1].ID
	}
	if len(paged) != 11 || paged[0] != at || paged[10] != ids[0] {
		t.Errorf("%v", paged)
	}
}

// TestShorten: a text of a function's may be of any characters.
func TestShorten(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{strings.Repeat("x", maxProblem), strings.Repeat("x", maxProblem)},
		{strings.Repeat("x", maxProblem+1), strings.Repeat("x", maxProblem) + "…"},
		{"x" + strings.Repeat("é", maxProblem), "x" + strings.Repeat("é", (maxProblem-1)/2) + "…"},
		{strings.Repeat("\x80", maxProblem+1), "…"},
	} {
		if got := shorten(c.text); got != c.want {
			t.Errorf("%q becomes %q", c.text, got)
		}
	}
}

func TestID(t *testing.T) {
	for _, text := range []string{"", "1", "000000000000000g", "00000000000000001"} {
		var id ID
		if id.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is an id", text)
		}
	}
	var id ID
	if err := id.UnmarshalText([]byte(ID(0xabc).String())); err != nil || id != 0xabc {
		t.Error(id, err)
	}
}

func BenchmarkTrail(b *testing.B) {
	l := NewRecorder(16 << 20).Log("m")
	b.ReportAllocs()
	for b.Loop() {
		finish(l, "s", start)
	}
}
