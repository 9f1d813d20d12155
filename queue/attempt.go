package queue

// maxAttempts bounds the receives of a queue that may be repeated.
const maxAttempts = 4096

// attempts are the recent receives from a FIFO queue that said by what name they would be repeated. A client that did
// not get the answer asks again under the same name, and gets the same messages.
type attempts map[string]*attempt

// attempt is one of them.
type attempt struct {
	at    int64
	taken []delivery
	until []int64 // the deadlines of the messages, as this receive set them
}

// rememberAttemptLocked notes what a receive got.
func (q *queue) rememberAttemptLocked(id string, taken []delivery, now int64) {
	if id == "" || q.groups == nil || len(taken) == 0 {
		return
	}
	if len(q.attempts) >= maxAttempts {
		for id, a := range q.attempts {
			if now-a.at >= dedupWindow {
				delete(q.attempts, id)
			}
		}
	}
	if len(q.attempts) >= maxAttempts {
		return
	}
	a := &attempt{at: now, taken: taken}
	for _, d := range taken {
		a.until = append(a.until, d.deadline)
	}
	if q.attempts == nil {
		q.attempts = make(attempts)
	}
	q.attempts[id] = a
}

// repeatLocked returns what an earlier receive of this name got, hidden anew, if that was within five minutes and
// nothing has befallen any of the messages since. Else the name is free again.
func (q *queue) repeatLocked(id string, visibility, now int64) []delivery {
	a := q.attempts[id]
	if a == nil {
		return nil
	}
	valid := now-a.at < dedupWindow
	for i, d := range a.taken {
		valid = valid && !d.deleted && d.deleting == 0 && d.entry.count == d.count && d.deadline == a.until[i] && d.deadline > now
	}
	if !valid {
		delete(q.attempts, id)
		return nil
	}
	for i, d := range a.taken {
		d.last, d.deadline = now, now+visibility
		a.until[i] = d.deadline
		q.placeLocked(d.entry, now)
		q.touchLocked(d.entry, now)
	}
	return a.taken
}
