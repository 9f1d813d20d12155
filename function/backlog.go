package function

import (
	"slices"
	"sync"
	"time"
)

// Bounds of the events that wait. AWS names none; who meets one is throttled, as at AWS.
const (
	maxEventsOfFunction = 10_000
	maxEventsOfAccount  = 100_000
	maxEventBytes       = 4 << 30 // of an account, on the disk
)

const (
	// maxWindow bounds how many events of one function are delivered at one time, maxDeliveries how many of all.
	maxWindow     = 100
	maxDeliveries = 1000
)

// backlog holds the events that wait for their delivery, in memory without their payloads.
//
// Each function has a window: how many of its events are under way at one time. It is halved by a throttle and grows by one
// with each event that was not throttled, so that a function with little concurrency is asked no more often than it answers.
type backlog struct {
	wake chan struct{} // holds one; tells that there is something to take
	of   int           // the bound of events of one function

	mu       sync.Mutex
	lines    map[Name]*line
	accounts map[scope]load
	underWay int
}

// load is what an account has in the backlog.
type load struct{ events, bytes int }

// line is the part of one function.
type line struct {
	waiting  []*queued // sorted: what is due first is first
	held     int       // events waiting, under way, and being stored
	underWay int
	window   int
	gone     bool // the function has been deleted
}

func newBacklog(maximum int) *backlog {
	return &backlog{wake: make(chan struct{}, 1), of: maximum, lines: make(map[Name]*line), accounts: make(map[scope]load)}
}

func (b *backlog) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// admit gives an event that is to be stored its place, or returns a *ThrottledError.
func (b *backlog) admit(e *queued) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	used := b.accounts[e.scope()]
	if l := b.lines[e.About.Name]; l != nil && l.held >= b.of || used.events >= maxEventsOfAccount || used.bytes+e.Size > maxEventBytes {
		return &ThrottledError{Reason: InvocationRate}
	}
	b.hold(e)
	return nil
}

func (e *queued) scope() scope { return scope{e.About.Account, e.About.Region} }

// hold counts an event; the caller holds the mutex.
func (b *backlog) hold(e *queued) *line {
	l := b.lines[e.About.Name]
	if l == nil {
		l = &line{window: maxWindow / 10}
		b.lines[e.About.Name] = l
	}
	l.held++
	e.line = l
	used := b.accounts[e.scope()]
	b.accounts[e.scope()] = load{used.events + 1, used.bytes + e.Size}
	return l
}

// forget gives up the place of an event that is not there any more.
func (b *backlog) forget(e *queued) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unhold(e)
}

func (b *backlog) unhold(e *queued) {
	l := e.line
	if l.held--; l.held == 0 && !l.gone {
		delete(b.lines, e.About.Name)
	}
	used := b.accounts[e.scope()]
	if used = (load{used.events - 1, used.bytes - e.Size}); used.events == 0 {
		delete(b.accounts, e.scope())
	} else {
		b.accounts[e.scope()] = used
	}
}

// restore takes an event that was stored before the start, whatever the bounds.
func (b *backlog) restore(e *queued) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold(e).insert(e)
}

// enqueue makes an admitted event wait; false when its function has been deleted meanwhile, and with it the event.
func (b *backlog) enqueue(e *queued) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.line.gone {
		b.unhold(e)
		return false
	}
	e.line.insert(e)
	b.poke()
	return true
}

func (l *line) insert(e *queued) {
	at, _ := slices.BinarySearchFunc(l.waiting, e, (*queued).before)
	l.waiting = slices.Insert(l.waiting, at, e)
}

// take returns the events that are due and may be under way now, and how long it is until others will be due; negative
// when there are none to wait for.
func (b *backlog) take(now time.Time) (ready []*queued, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait = -1
	for _, l := range b.lines {
		for len(l.waiting) > 0 && l.underWay < l.window && b.underWay < maxDeliveries {
			e := l.waiting[0]
			if left := e.Due.Sub(now); left > 0 {
				if wait < 0 || left < wait {
					wait = left
				}
				break
			}
			l.waiting[0] = nil
			l.waiting = l.waiting[1:]
			l.underWay++
			b.underWay++
			ready = append(ready, e)
		}
	}
	return ready, wait
}

// back ends a delivery whose event waits again; false when its function has been deleted meanwhile, and with it the event.
func (b *backlog) back(e *queued, throttled bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(e, throttled)
	b.poke()
	if e.line.gone {
		b.unhold(e)
		return false
	}
	e.line.insert(e)
	return true
}

// rest ends a delivery whose event keeps its place until it is forgotten.
func (b *backlog) rest(e *queued) {
	b.mu.Lock()
	b.end(e, false)
	b.mu.Unlock()
	b.poke()
}

// done ends a delivery whose event is no more.
func (b *backlog) done(e *queued) {
	b.mu.Lock()
	b.end(e, false)
	b.unhold(e)
	b.mu.Unlock()
	b.poke()
}

func (b *backlog) end(e *queued, throttled bool) {
	l := e.line
	l.underWay--
	b.underWay--
	if throttled {
		l.window = max(1, l.window/2)
	} else {
		l.window = min(maxWindow, l.window+1)
	}
}

// drop forgets the waiting events of a function and returns their keys. Those under way do not come back.
func (b *backlog) drop(name Name) (keys []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lines[name]
	if l == nil {
		return nil
	}
	waiting := l.waiting
	l.waiting, l.gone = nil, true
	delete(b.lines, name)
	for _, e := range waiting {
		keys = append(keys, e.key)
		b.unhold(e)
	}
	return keys
}
