package queue

import (
	"container/list"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// ground is what all queues stand on.
type ground struct {
	tables store.Tables
	clock  clockwork.Clock
	log    *slog.Logger
	mint   *mint
	wakes  *agenda // looks after waiting receivers; never touches the store
	chores *agenda // writes behind, expires, clears up
	limits limits
	// closing is closed when no receive is to wait any more.
	closing chan struct{}
	// doubts are about commits of which it is not known what they came to; each has a number.
	doubts      *store.Doubts
	doubtNumber atomic.Uint64
	// find returns another queue. It may be called with a queue's mutex held.
	find func(Name) (*queue, error)
}

// limits bound what a queue keeps in memory.
type limits struct {
	inFlight int // messages in flight, and entries
	waiting  int // receivers in line
}

// now is the clock in milliseconds of Unix time.
func (g *ground) now() int64 { return g.clock.Now().UnixMilli() }

// queue is one queue in memory: the index over its rows, and who waits for them.
type queue struct {
	*ground
	name   Name
	number uint64

	mu     sync.Mutex
	def    definition
	set    Settings
	gone   bool          // deleted
	loaded bool          // the index below is complete
	busy   chan struct{} // closed when the load or the refill under way ends; nil when there is none
	refill *refill       // the refill under way

	window   window
	groups   *groups // instead of the window's items, in a FIFO queue
	fresh    int64   // messages nobody has received, in the window or groups or beyond them
	delays   *delays
	sending  int                 // sends under way
	pending  map[uint64]struct{} // their messages: in the store perhaps, not yet counted
	hold     *hold               // a purge that lets nobody send
	outbox   outbox              // the order of sends to a FIFO queue
	attempts attempts            // receives that may be repeated

	entries  map[uint64]*entry
	inFlight schedule // hidden until their deadline
	returned schedule // visible again since their deadline
	turn     bool     // whose turn it is: that of the returned or of the fresh

	condemned []*entry      // on their way to the dead-letter queue, in no schedule
	task      *task         // the move of this queue's messages that is under way
	tasking   chan struct{} // held by the one that changes it

	line   list.List // of *waiter, all of whom wait since nothing can be given out
	dirty  []*entry  // to be written behind
	trash  []trash   // rows to be deleted
	expiry int64     // no message expires before
	sweep  bool      // rows of purged messages may be left
	swept  string    // the key up to which a sweep has come

	remembered int64 // no send is to be forgotten before, in a FIFO queue
	doubted    int   // open doubts about it
}

// never is a moment that does not come.
const never = int64(1<<63 - 1)

// trash names rows that no message owns any longer.
type trash struct {
	position
	header, body, receive bool
}

// hold keeps new sends waiting while a purge decides what it purges.
type hold struct {
	quiet chan struct{} // closed when no send is under way
	over  chan struct{} // closed when sends may go on
}

func newQueue(g *ground, name Name, def definition) *queue {
	q := &queue{ground: g, name: name, number: def.Number, def: def, set: settings(name, def.Attributes)}
	q.remembered = never
	q.pending, q.tasking = make(map[uint64]struct{}), make(chan struct{}, 1)
	q.emptyLocked()
	return q
}

// emptyLocked forgets all messages.
func (q *queue) emptyLocked() {
	for _, e := range q.entries {
		e.deleted, e.in = true, nil
	}
	q.window = newWindow()
	q.fresh, q.delays, q.expiry = 0, nil, never
	q.entries = make(map[uint64]*entry)
	q.inFlight, q.returned = schedule{}, schedule{}
	q.dirty, q.condemned, q.attempts = nil, nil, nil
	if q.name.FIFO() {
		q.groups = newGroups()
	}
}

// expired reports whether a message sent then is too old.
func (q *queue) expired(sent, now int64) bool {
	return sent+q.set.Retention.Milliseconds() <= now
}

// addFreshLocked counts a message that nobody has received and puts it where it can be.
func (q *queue) addFreshLocked(f fresh, now int64) {
	q.fresh++
	q.delayLocked(q.dueLocked(f), now, 1)
	q.shelveLocked(f, now)
	if at := f.sent + q.set.Retention.Milliseconds(); at < q.expiry {
		q.expiry = at
		q.chores.set(q, at)
	}
}

// arriveLocked takes in a message that has come to be in the store.
func (q *queue) arriveLocked(f fresh, now int64) {
	if q.refill != nil && !f.before(q.window.edge) {
		q.refill.late = append(q.refill.late, f)
	}
	q.addFreshLocked(f, now)
}

// delayLocked keeps the count of messages that are not yet due.
func (q *queue) delayLocked(due, now int64, n int32) {
	if q.delays == nil {
		if due <= now {
			return
		}
		q.delays = new(delays)
	}
	q.delays.forward(now)
	q.delays.add(due, n)
}

// dropFreshLocked takes the window's first message out of the count.
func (q *queue) dropFreshLocked(f fresh, now int64) {
	q.window.pop()
	q.fresh--
	q.delayLocked(f.due, now, -1)
}

// placeLocked puts an entry into the schedule that its deadline asks for.
func (q *queue) placeLocked(e *entry, now int64) {
	e.remove()
	if e.deadline > now {
		q.inFlight.add(e)
	} else {
		q.returned.add(e)
	}
	if e.group != nil {
		q.regroupLocked(e.group, now)
	}
}

// ripenLocked moves what is visible again.
func (q *queue) ripenLocked(now int64) {
	for e := q.inFlight.top(); e != nil && e.deadline <= now; e = q.inFlight.top() {
		q.placeLocked(e, now)
	}
}

// touchLocked notes that an entry is to be written behind.
func (q *queue) touchLocked(e *entry, now int64) {
	if e.dirty || e.deleted {
		return
	}
	e.dirty = true
	if len(q.dirty) > 2*len(q.entries)+1024 {
		q.dirty = stillDirty(q.dirty)
	}
	q.dirty = append(q.dirty, e)
	if len(q.dirty) == 1 {
		q.chores.set(q, now+settleDelay.Milliseconds())
	}
}

// stillDirty leaves out what was deleted.
func stillDirty(all []*entry) []*entry {
	var left []*entry
	for _, e := range all {
		if !e.deleted {
			left = append(left, e)
		}
	}
	return left
}

// forgetLocked takes an entry out of the index.
func (q *queue) forgetLocked(e *entry) {
	e.remove()
	e.deleted = true
	delete(q.entries, e.number)
	if g := e.group; g != nil {
		if i, found := g.findBegun(e.number); found {
			g.begun = slices.Delete(g.begun, i, i+1)
		}
		q.regroupLocked(g, q.now())
	}
}

// discardLocked takes an entry out of the index and leaves its rows to a chore.
func (q *queue) discardLocked(e *entry, now int64) {
	q.forgetLocked(e)
	q.throwLocked(trash{position: e.position, header: true, body: true, receive: e.saved}, now)
}

// throwLocked leaves rows to be deleted by a chore. What finds no room stays in the store; the next start clears it up.
func (q *queue) throwLocked(t trash, now int64) {
	if len(q.trash) >= maxTrash {
		return
	}
	q.trash = append(q.trash, t)
	if len(q.trash) == 1 {
		q.chores.set(q, now+settleDelay.Milliseconds())
	}
}

// Counts says how many messages a queue holds.
type Counts struct {
	// Visible could be received now, InFlight were received and are hidden, Delayed are not yet due.
	Visible, InFlight, Delayed int64
}

// countLocked counts what the index knows.
func (q *queue) countLocked(now int64) Counts {
	q.ripenLocked(now)
	var delayed int64
	if q.delays != nil {
		q.delays.forward(now)
		delayed = q.delays.total
	}
	return Counts{
		Visible:  max(0, q.fresh-delayed) + int64(q.returned.len()),
		InFlight: int64(q.inFlight.len()),
		Delayed:  delayed,
	}
}

// millis is a moment in the room's own form back as a time.
func millis(ms int64) time.Time { return time.UnixMilli(ms) }
