package queue

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// agenda remembers, for each queue that wants it, the next moment at which to look after it. A queue has one
// appointment at most; asking for a later one than it has changes nothing.
type agenda struct {
	clock   clockwork.Clock
	changed chan struct{} // says that the first appointment may have moved

	mu     sync.Mutex
	dates  dates
	places map[*queue]*date
}

// date is an appointment.
type date struct {
	queue *queue
	at    int64 // milliseconds of Unix time
	index int
}

func newAgenda(clock clockwork.Clock) *agenda {
	return &agenda{clock: clock, changed: make(chan struct{}, 1), places: make(map[*queue]*date)}
}

// set asks for an appointment at the moment, in milliseconds of Unix time, or sooner.
func (a *agenda) set(q *queue, at int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.places[q]
	switch {
	case d == nil:
		d = &date{queue: q, at: at}
		a.places[q] = d
		heap.Push(&a.dates, d)
	case at < d.at:
		d.at = at
		heap.Fix(&a.dates, d.index)
	default:
		return
	}
	if d.index == 0 {
		select {
		case a.changed <- struct{}{}:
		default:
		}
	}
}

// due takes the first appointment if its time has come. Otherwise it returns nil and how long that takes, or less than
// zero when there is none.
func (a *agenda) due() (*queue, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.dates) == 0 {
		return nil, -1
	}
	d := a.dates[0]
	if wait := time.UnixMilli(d.at).Sub(a.clock.Now()); wait > 0 {
		return nil, wait
	}
	heap.Pop(&a.dates)
	delete(a.places, d.queue)
	return d.queue, 0
}

// keep calls keeper for each queue whose appointment has come, one after the other, until the context ends.
func (a *agenda) keep(ctx context.Context, keeper func(*queue)) {
	for ctx.Err() == nil {
		q, wait := a.due()
		if q != nil {
			keeper(q)
			continue
		}
		var timeout <-chan time.Time
		var timer clockwork.Timer
		if wait > 0 {
			timer = a.clock.NewTimer(wait)
			timeout = timer.Chan()
		}
		select {
		case <-ctx.Done():
		case <-a.changed:
		case <-timeout:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// dates is a heap of appointments, the first on top.
type dates []*date

func (d dates) Len() int           { return len(d) }
func (d dates) Less(i, j int) bool { return d[i].at < d[j].at }

func (d dates) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i, j
}

func (d *dates) Push(x any) {
	a := x.(*date)
	a.index = len(*d)
	*d = append(*d, a)
}

func (d *dates) Pop() any {
	old := *d
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	return last
}
