package queue

import "container/list"

// waiter is a receive that waits in line.
type waiter struct {
	max        int
	visibility int64         // milliseconds
	attempt    string        // by what name it may be repeated, "" for none
	ready      chan struct{} // closed when it was served, or has to look again itself
	taken      []delivery    // what it was given
	place      *list.Element // its place in line, nil when it has left
}

// delivery is what a receive was given: the entry, and the values that the client is to see.
type delivery struct {
	*entry
	count uint32
	first int64
}

// joinLocked puts a waiter at the end of the line.
func (q *queue) joinLocked(w *waiter) {
	w.place = q.line.PushBack(w)
}

// leaveLocked takes a waiter out of the line, wherever it stands.
func (q *queue) leaveLocked(w *waiter) {
	if w.place != nil {
		q.line.Remove(w.place)
		w.place = nil
	}
}

// releaseLocked sends the waiter on its way.
func (q *queue) releaseLocked(w *waiter) {
	q.leaveLocked(w)
	close(w.ready)
}

// serveLocked gives what there is to those who wait, in the order in which they came, and sees to it that somebody
// looks again when there is more. It is called after everything that may have made a message available.
func (q *queue) serveLocked(now int64) {
	for q.line.Len() > 0 {
		w := q.line.Front().Value.(*waiter)
		w.taken = q.takeLocked(now, w.max, w.visibility)
		if len(w.taken) > 0 {
			q.rememberAttemptLocked(w.attempt, w.taken, now)
			q.releaseLocked(w)
			continue
		}
		if q.hungryLocked(1) || len(q.condemned) > 0 {
			q.releaseLocked(w) // to see to that, and then to serve the others first, as any receiver does
		}
		break
	}
	if q.line.Len() == 0 {
		return
	}
	if at, ok := q.nextLocked(now); ok {
		q.wakes.set(q, at)
	}
}

// nextLocked returns the next moment at which a message becomes visible.
func (q *queue) nextLocked(now int64) (at int64, ok bool) {
	if e := q.inFlight.top(); e != nil {
		at, ok = e.deadline, true
	}
	if f, there := q.window.front(); there && f.due > now && (!ok || f.due < at) {
		at, ok = f.due, true
	}
	if q.groups != nil && len(q.groups.line) > 0 && q.groups.line[0].at > now && (!ok || q.groups.line[0].at < at) {
		at, ok = q.groups.line[0].at, true
	}
	return at, ok
}

// wake serves the line at an appointed time.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.serveLocked(q.now())
}

// fullLocked reports whether no further message may be taken.
func (q *queue) fullLocked() bool { return q.inFlight.len() >= q.limits.inFlight }

// hungryLocked reports whether some of n messages that could be taken are in the store alone. In a FIFO queue it may be
// any of them, so that memory has to know of as many as it may; reading them on in small portions would be dear.
func (q *queue) hungryLocked(n int) bool {
	if q.groups == nil {
		return q.window.short(n) && !q.fullLocked() && len(q.entries) < q.limits.inFlight
	}
	return q.dryLocked() || q.roomLocked() >= min(windowFill, q.limits.inFlight/8+1)
}

// takeLocked takes up to n messages and hides them for the visibility timeout.
func (q *queue) takeLocked(now int64, n int, visibility int64) []delivery {
	var taken []delivery
	for _, e := range q.drawLocked(now, n, true) {
		e.count++
		e.last, e.deadline = now, now+visibility
		if e.first == 0 {
			e.first = now
		}
		q.inFlight.add(e) // also when it is visible again at once: this receive has it only once
		q.touchLocked(e, now)
		taken = append(taken, delivery{entry: e, count: e.count, first: e.first})
	}
	return taken
}

// drawLocked takes up to n messages that are visible and not too old out of their places. When they are drawn to be
// received it judges them too: those that were received as often as may be are condemned instead.
func (q *queue) drawLocked(now int64, n int, judge bool) []*entry {
	q.ripenLocked(now)
	if q.groups != nil {
		return q.drawGroupsLocked(now, n, judge)
	}
	var drawn []*entry
	for len(drawn) < n && q.inFlight.len()+len(drawn) < q.limits.inFlight {
		e := q.pickLocked(now, judge)
		if e == nil {
			break
		}
		drawn = append(drawn, e)
	}
	return drawn
}

// pickLocked chooses the next message of a standard queue and takes it out of its place. Returned and fresh ones take
// turns; no fresh one is begun while there are as many entries as may be in flight, which bounds memory.
func (q *queue) pickLocked(now int64, judge bool) *entry {
	back := q.oldestReturnedLocked(now, judge)
	f, there := q.nextFreshLocked(now)
	there = there && len(q.entries) < q.limits.inFlight
	q.turn = !q.turn
	switch {
	case back != nil && (!there || q.turn):
		back.remove()
		return back
	case there:
		q.dropFreshLocked(f, now)
		e := &entry{position: f.position, sent: f.sent}
		q.enterLocked(e, nil)
		return e
	}
	return nil
}

// oldestReturnedLocked returns the message that has been visible again for longest, and throws away what is too old.
func (q *queue) oldestReturnedLocked(now int64, judge bool) *entry {
	for e := q.returned.top(); e != nil; e = q.returned.top() {
		switch {
		case q.expired(e.sent, now):
			q.discardLocked(e, now)
		case !judge || !q.condemnLocked(e, now):
			return e
		}
	}
	return nil
}

// nextFreshLocked returns the window's first message if it is due, and throws away what is too old.
func (q *queue) nextFreshLocked(now int64) (fresh, bool) {
	for {
		f, there := q.window.front()
		if !there {
			return fresh{}, false
		}
		if !q.expired(f.sent, now) {
			return f, f.due <= now
		}
		q.dropFreshLocked(f, now)
		q.throwLocked(trash{position: f.position, header: true, body: true}, now)
	}
}
