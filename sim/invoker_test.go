package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// invoker is the room of functions as mappings see it. It watches what they ask for.
type invoker struct {
	*function.Service
	h *house
}

// call is an invocation under way.
type call struct {
	number  int
	link    *link
	records []*record
	request *request
}

// Invoke implements mapping.Invoker.
func (v *invoker) Invoke(ctx context.Context, in function.Invocation) (function.Result, error) {
	burn(&v.h.fuseBegins, v.h)
	w := v.h.w
	w.learn(v.h)
	c := w.begin(v.h, in)
	if c == nil {
		return function.Result{}, errPower
	}
	result, err := v.Service.Invoke(ctx, in)
	if !w.end(v.h, c, in.RequestID, result, err) {
		return function.Result{}, errPower
	}
	burn(&v.h.fuseEnds, v.h)
	if v.h.isDown() {
		return function.Result{}, errPower
	}
	return result, err
}

// learn remembers from which shards others came.
func (w *world) learn(h *house) {
	for i, name := range w.streams {
		st, err := h.streams.Describe(context.Background(), name)
		if err != nil {
			continue
		}
		w.mu.Lock()
		for _, sh := range st.Shards {
			w.parents[i][sh.Index] = [2]int64{sh.Parent, sh.AdjacentParent}
		}
		w.mu.Unlock()
	}
}

// begin judges an invocation before it is made, and returns nil when it is not made any more.
func (w *world) begin(h *house, in function.Invocation) *call {
	e, err := readEvent(in.Payload)
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.down {
		return nil
	}
	w.calls++
	c := &call{number: w.calls, link: w.linkOf(in.Ref.Name.Name)}
	if err != nil || c.link == nil || len(e.Records) == 0 != e.IsFinal {
		w.breach("an invocation of %s with %d records, %v", in.Ref.Name.Name, len(e.Records), err)
		return c
	}
	if l := c.link; !l.silent.IsZero() && time.Now().After(l.silent) {
		w.breach("%s invokes although it was reported to be at rest since %s", l.name, w.at(l.silent))
	}
	var numbers []string
	for i := range e.Records {
		k := &e.Records[i].Kinesis
		r := w.identify(labelOf(k.Data), k.PartitionKey)
		if r == nil {
			return c
		}
		number, err := stream.ParseSequenceNumber(k.SequenceNumber)
		if err != nil {
			w.breach("%s has the sequence number %s", r.label(), k.SequenceNumber)
			return c
		}
		o := number.Origin()
		w.place(r, place{uint32(o.Shard), o.Position})
		c.records, numbers = append(c.records, r), append(numbers, k.SequenceNumber)
	}
	if len(c.records) > 0 && !c.records[0].gone {
		w.judgeBatch(c)
	}
	if c.request = c.link.requests[in.RequestID]; c.request == nil {
		c.request = &request{}
		c.link.requests[in.RequestID] = c.request
	}
	c.request.records, c.request.numbers = c.records, numbers
	w.judgeWindow(c, &e.windowPart)
	return c
}

// judgeBatch judges what an event holds, and what it does not hold yet.
func (w *world) judgeBatch(c *call) {
	l, first := c.link, c.records[0]
	for i, r := range c.records {
		switch {
		case i > 0 && (r.place.shard != first.place.shard || r.place.position <= c.records[i-1].place.position):
			w.breach("%s: %s comes behind %s in one event", l.name, r.label(), c.records[i-1].label())
		case l.wants(r) == no:
			w.breach("%s: %s is not for it", l.name, r.label())
		}
		if e := l.endings[r]; e != nil {
			l.again(w, r, e)
		}
		w.judgeKey(l, r, c.records[:i])
	}
	w.judgeParents(l, first.place.shard, map[uint32]bool{})
}

// judgeKey sees to it that all that was put before a record under its key has ended, or comes ahead in the same event.
func (w *world) judgeKey(l *link, r *record, ahead []*record) {
	for _, before := range w.keys[r.key][:r.n-1] {
		if w.mustHaveEnded(l, before) && !slices.Contains(ahead, before) {
			w.breach("%s: %s comes before %s", l.name, r.label(), before.label())
			return
		}
	}
}

// mustHaveEnded reports whether a record holds up whatever comes after it.
func (w *world) mustHaveEnded(l *link, r *record) bool {
	return l.endings[r] == nil && r.stored() && l.wants(r) == yes && !w.expired(r)
}

// judgeParents sees to it that all records of the shards from which a shard came have ended.
func (w *world) judgeParents(l *link, shard uint32, seen map[uint32]bool) {
	for _, parent := range w.parents[l.stream][shard] {
		if parent < 0 || seen[uint32(parent)] {
			continue
		}
		p := uint32(parent)
		seen[p] = true
		for _, r := range w.shards[l.stream][p] {
			if w.mustHaveEnded(l, r) || w.mustBeFolded(l, r) {
				w.breach("%s: shard %d begins before %s of its ancestor %d has ended", l.name, shard, r.label(), p)
				return
			}
		}
		w.judgeParents(l, p, seen)
	}
}

// end notes what came of an invocation, and reports whether that still matters.
func (w *world) end(h *house, c *call, id string, result function.Result, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.down {
		return false
	}
	if err != nil || c.request == nil {
		return true // not reached
	}
	taken := len(c.records)
	p := w.plans[id]
	delete(w.plans, id)
	switch {
	case result.FunctionError != "":
		taken = 0
	case c.request.final && p.state:
		w.fold(c.link, c.request)
		return true
	case c.link.partial, c.link.windowed:
		taken = p.taken
	}
	if taken == 0 {
		c.request.attempts++
		if q := c.link.quota(); q >= 0 && c.request.attempts > q {
			w.breach("%s: request %s failed %d times, of a quota of %d", c.link.name, id, c.request.attempts, q)
		}
	}
	for _, r := range c.records[:taken] {
		c.link.end(w, r, "delivered", c.number, c.records[0].key)
		w.delivered++
	}
	return true
}

// identify returns the record of a label, which somebody has put.
func (w *world) identify(label, key string) *record {
	r := w.records[label]
	if r == nil || r.key != key {
		w.breach("a record %q of %q, which nobody put", label, key)
		return nil
	}
	return r
}

// place notes where a record was seen, which never changes.
func (w *world) place(r *record, p place) {
	if r.gone {
		return
	}
	if r.found && r.place != p {
		w.breach("%s is at %v and at %v", r.label(), r.place, p)
	}
	if !r.found {
		r.found, r.place = true, p
		w.shards[r.stream][p.shard] = append(w.shards[r.stream][p.shard], r)
	}
}

func (p place) String() string { return fmt.Sprintf("%d:%x", p.shard, uint64(p.position)) }
