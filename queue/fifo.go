package queue

import (
	"slices"
	"strconv"
)

// sequenceBase makes sequence numbers twenty digits long, as AWS's are.
const sequenceBase = 1e19

// sequence is a message's number as clients see it.
func sequence(number uint64) string { return strconv.FormatUint(sequenceBase+number, 10) }

// shelveLocked puts a message that nobody has received where receivers find it. One beyond the edge is left to the store.
func (q *queue) shelveLocked(f fresh, now int64) {
	switch {
	case !f.before(q.window.edge):
	case q.groups == nil:
		q.window.insert(f)
	case q.groups.fresh+len(q.entries) >= q.limits.inFlight:
		q.window.edge = f.position // messages come in order, so that nothing beyond it is known
	default:
		q.regroupLocked(q.groups.insert(f), now)
	}
}

// unshelveLocked takes such a message away again, if memory knows of it.
func (q *queue) unshelveLocked(f fresh, now int64) {
	switch {
	case q.groups == nil:
		q.window.remove(f.position)
	case q.groups.remove(f.group, f.number):
		q.regroupLocked(q.groups.of(f.group), now)
	}
}

// roomLocked returns how many headers are to be read on, when there are any.
func (q *queue) roomLocked() int {
	if q.groups == nil {
		if q.window.short(MaxReceive) {
			return windowFill
		}
		return 0
	}
	if q.window.complete() {
		return 0
	}
	return min(windowFill, q.limits.inFlight-q.groups.fresh-len(q.entries))
}

// dryLocked reports whether memory knows of no message that nobody has received, although the store has some and they
// can be read.
func (q *queue) dryLocked() bool {
	if q.groups == nil {
		return q.window.short(1)
	}
	return q.groups.fresh == 0 && q.roomLocked() > 0
}

// dueLocked is the moment from which a message may first be received. The delay of a FIFO queue is that of the moment.
func (q *queue) dueLocked(f fresh) int64 {
	if q.groups == nil {
		return f.due
	}
	return f.sent + q.set.Delay.Milliseconds()
}

// regroupLocked gives a group its place in line, after anything that concerns its first message. A group that could be
// received from already, and still can, keeps its place.
func (q *queue) regroupLocked(g *group, now int64) {
	at := never
	switch e, f, ok := g.first(); {
	case e != nil && e.in == &q.returned:
		at = e.deadline
	case e == nil && ok:
		at = q.dueLocked(f)
	}
	switch {
	case at == never:
		q.groups.leave(g)
	case g.place < 0 || g.at > now || at > now:
		q.groups.join(g, max(at, now))
	}
}

// regroupAllLocked does so for all groups, when the queue's delay has changed, and counts again who is delayed.
func (q *queue) regroupAllLocked(now int64) {
	q.delays = nil
	for _, g := range q.groups.byID {
		q.regroupLocked(g, now)
		for _, f := range g.fresh[g.head:] {
			q.delayLocked(q.dueLocked(f), now, 1)
		}
	}
}

// drawGroupsLocked draws from the groups in line, from each as many messages as there are before it turns to the next:
// who receives several of a group has them in order, and nobody else has any of it meanwhile.
func (q *queue) drawGroupsLocked(now int64, n int, judge bool) []*entry {
	var drawn []*entry
	for len(drawn) < n && q.inFlight.len()+len(drawn) < q.limits.inFlight {
		g := q.groups.next(now)
		if g == nil {
			break
		}
		drawn = q.drawGroupLocked(drawn, g, now, n, judge)
		q.regroupLocked(g, now)
	}
	return drawn
}

// drawGroupLocked draws from one group up to the first message that is out of sight.
func (q *queue) drawGroupLocked(drawn []*entry, g *group, now int64, n int, judge bool) []*entry {
	for i := 0; len(drawn) < n; {
		var e *entry
		if g.head < len(g.fresh) && (i == len(g.begun) || g.fresh[g.head].number < g.begun[i].number) {
			e = q.beginLocked(g, now)
		} else if i < len(g.begun) && g.begun[i].in == &q.returned {
			e = g.begun[i]
			e.remove()
		}
		switch {
		case e == nil:
			return drawn
		case q.expired(e.sent, now):
			q.discardLocked(e, now)
			continue
		case judge && q.condemnLocked(e, now):
			return drawn
		}
		drawn = append(drawn, e)
		i, _ = g.findBegun(e.number + 1)
	}
	return drawn
}

// beginLocked makes the first of a group's messages that nobody has received an entry, if it is due.
func (q *queue) beginLocked(g *group, now int64) *entry {
	f := g.fresh[g.head]
	due := q.dueLocked(f)
	if due > now {
		return nil
	}
	q.groups.remove(g.id, f.number)
	q.fresh--
	q.delayLocked(due, now, -1)
	e := &entry{position: f.position, sent: f.sent}
	q.enterLocked(e, g)
	return e
}

// enterLocked takes an entry into the index, and into its group when it has one.
func (q *queue) enterLocked(e *entry, g *group) {
	q.entries[e.number] = e
	if e.group = g; g != nil {
		i, _ := g.findBegun(e.number)
		g.begun = slices.Insert(g.begun, i, e)
	}
}
