package sim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// windowPart is what an event has beside its records when they are aggregated by windows.
type windowPart struct {
	Window  *window         `json:"window"`
	State   json.RawMessage `json:"state"`
	ShardID string          `json:"shardId"`
	IsFinal bool            `json:"isFinalInvokeForWindow"`
	IsEarly bool            `json:"isWindowTerminatedEarly"`
}

// window is from when to when, without its end.
type window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

func (v window) holds(t time.Time) bool { return !t.Before(v.Start) && t.Before(v.End) }

// state is what functions make of a window: the labels of the records that they have taken.
type state struct {
	Taken []string `json:"taken"`
}

// judgeWindow holds the state that an event brings against what its window has seen, and notes it in the request. Of a stream that is
// being deleted it is noted alone, since the function goes on from it if the stream stays after all.
func (w *world) judgeWindow(c *call, e *windowPart) {
	l := c.link
	if !l.windowed {
		if e.Window != nil || e.State != nil || e.IsFinal {
			w.breach("%s: an event of a window, of which it has none", l.name)
		}
		return
	}
	var s state
	shard, err := strconv.ParseUint(strings.TrimPrefix(e.ShardID, "shardId-"), 10, 32)
	readable := e.Window != nil && json.Unmarshal(e.State, &s) == nil && err == nil
	if readable {
		c.request.state, c.request.final = s.Taken, e.IsFinal
	}
	if w.dying[l.stream] {
		return
	}
	if !readable || e.IsEarly {
		w.breach("%s: an event of a window with the window %v, the state %s, of %q, terminated early: %v", l.name, e.Window, e.State, e.ShardID, e.IsEarly)
		return
	}
	length := e.Window.End.Sub(e.Window.Start)
	if length <= 0 || e.Window.Start.UnixNano()%int64(length) != 0 {
		w.breach("%s: a window from %v to %v", l.name, e.Window.Start, e.Window.End)
	}
	for _, r := range c.records {
		if !e.Window.holds(r.arrival) {
			w.breach("%s: %s, which arrived at %v, in the window from %v to %v", l.name, r.label(), r.arrival, e.Window.Start, e.Window.End)
		}
	}
	w.judgeState(l, uint32(shard), *e.Window, s.Taken)
}

// judgeState sees to it that a state tells of each record of its window that was delivered and that no final invocation has taken in, once. What a crash
// has taken back it does not tell of; and a final invocation that a crash has taken back is made again.
func (w *world) judgeState(l *link, shard uint32, v window, taken []string) {
	told := map[string]bool{}
	for _, label := range taken {
		if told[label] {
			w.breach("%s: the window from %v has %s twice", l.name, v.Start, label)
		}
		told[label] = true
	}
	for _, r := range w.shards[l.stream][shard] {
		e := l.endings[r]
		if e == nil || e.how != "delivered" || !v.holds(r.arrival) {
			continue
		}
		in := told[r.label()]
		delete(told, r.label())
		switch {
		case in && e.folded != 0 && w.crashed[e.folded]:
			e.folded = 0
		case in && e.folded != 0:
			w.breach("%s: the window from %v tells of %s, which a final invocation has taken in", l.name, v.Start, r.label())
		case in && e.open:
			w.breach("%s: the window from %v tells of %s, which comes again", l.name, v.Start, r.label())
		case !in && e.folded == 0 && !e.open && (e.kept || e.epoch == w.epoch):
			w.breach("%s: the window from %v does not tell of %s, which was delivered by call %d", l.name, v.Start, r.label(), e.call)
		}
	}
	for label := range told {
		if r := w.records[label]; r != nil && r.gone {
			continue
		}
		w.breach("%s: the window from %v of shard %d tells of %s, which is none of its records", l.name, v.Start, shard, label)
	}
}

// fold notes that a final invocation has taken in what its state tells of.
func (w *world) fold(l *link, req *request) {
	w.windows++
	for _, label := range req.state {
		if r := w.records[label]; r != nil && l.endings[r] != nil {
			l.endings[r].folded = w.epoch
		}
	}
}

// windowGivenUp notes that the final invocation of a window is given up, with the state.
func (w *world) windowGivenUp(l *link, doc *document) {
	shard, err := strconv.ParseUint(strings.TrimPrefix(doc.Batch.ShardID, "shardId-"), 10, 32)
	if doc.Window == nil || doc.Window.Window == nil || err != nil {
		w.breach("%s: a document of no records and no window", l.name)
		return
	}
	for _, r := range w.shards[l.stream][uint32(shard)] {
		if e := l.endings[r]; e != nil && e.how == "delivered" && e.folded == 0 && doc.Window.Window.holds(r.arrival) {
			e.folded = w.epoch
		}
	}
}

// mustBeFolded reports whether a record was delivered and waits for the end of its window.
func (w *world) mustBeFolded(l *link, r *record) bool {
	e := l.endings[r]
	return l.windowed && !r.gone && e != nil && e.how == "delivered" && e.folded == 0 && !w.expired(r)
}
