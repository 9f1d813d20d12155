package mapping

import (
	"context"
	"time"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

const (
	// maxState is the largest state of a window in bytes; a larger one ends the window early.
	maxState = 1 << 20
	// windowLag is how long after its end a window waits for records that arrived before the end and are still being
	// committed. AWS waits for up to two minutes.
	windowLag = time.Second
)

// tumbling is a tumbling window of a shard: the records that arrived from Start up to End, which is not part of it, and
// the state that the function made of those it took so far. It is open from the first of these until its final
// invocation is done or given up, and as long it is stored among the shard's checkpoints: written in one commit with the
// checkpoint behind the batch that the state speaks of, so that no crash lets the two disagree.
type tumbling struct {
	Start int64  `json:"start"` // seconds since 1970; so is End
	End   int64  `json:"end"`
	State []byte `json:"state"` // a JSON object
}

// windowOf returns the window of a record that arrived at a time, as it is before the first invocation.
func windowOf(arrival time.Time, length time.Duration) *tumbling {
	seconds := int64(length / time.Second)
	start := arrival.Unix() / seconds * seconds // arrivals before 1970 do not happen
	return &tumbling{Start: start, End: start + seconds, State: []byte("{}")}
}

func (w *tumbling) holds(arrival time.Time) bool {
	at := arrival.Unix()
	return w.Start <= at && at < w.End
}

func (w *tumbling) end() time.Time { return time.Unix(w.End, 0) }

func (w *tumbling) length() time.Duration { return time.Duration(w.End-w.Start) * time.Second }

// overflows reports whether the state is larger than it may be.
func (w *tumbling) overflows() bool { return len(w.State) > maxState }

// outlook is what a lane knows of the records that come.
type outlook struct {
	next  *stream.Record // nil when none has come yet
	ended bool           // none will
	tip   bool           // the shard has been read to its tip
}

// isOver reports whether the window is to be closed: its state is too large, or no record will come for it any more.
// A record of another window says so, the shard's end, and the time.
func (w *tumbling) isOver(o outlook, now time.Time) bool {
	switch {
	case w.overflows():
		return true
	case o.next != nil:
		return !w.holds(o.next.Arrival)
	case o.ended:
		return true
	}
	return o.tip && !now.Before(w.end().Add(windowLag))
}

// closing decides what becomes of the final invocation of a window, as verdict does for a batch. It has no records: its
// age is counted from the window's end, and ends its retries only. The function has taken all that the state speaks of,
// so that it is asked once, however late that is.
func closing(b *batch, o outcome, p policy, end, now time.Time) action {
	limit, why := p.limit()
	switch {
	case o == delivered:
		return action{kind: advance}
	case b.attempts == 0 && b.refusals == 0:
		return action{kind: attempt}
	case limit > 0 && now.Sub(end) >= limit:
		return action{kind: giveUp, why: why}
	case o == untried:
		return action{kind: attempt}
	case o != refused && p.retries != Forever && b.attempts > p.retries:
		return action{kind: giveUp, why: retriesExhausted}
	}
	return action{kind: wait, after: p.rest(b, o, end, now)}
}

// windowFor returns the window that the next invocation with a record is part of, or nil when the mapping has none.
func (l *lane) windowFor(record *stream.Record) *tumbling {
	if l.open != nil {
		return l.open
	}
	if length := l.r.terms.row.Settings.tumblingWindow(); length > 0 {
		return windowOf(record.Arrival, length)
	}
	return nil
}

// tumble closes the open window when it is over, and waits for that while there is no record for it.
func (l *lane) tumble(ctx, grace context.Context) error {
	for l.open != nil {
		if ctx.Err() != nil {
			return errStopped
		}
		if err := l.r.failure(); err != nil {
			return err
		}
		ahead, now := l.look(), l.r.s.config.Clock.Now()
		switch {
		case l.open.isOver(ahead, now):
			return l.close(ctx, grace)
		case ahead.next != nil:
			return nil
		}
		until := l.open.end().Add(windowLag)
		l.does(doing{what: history.WaitTumblingWindow, until: until})
		l.await(ctx, until.Sub(now))
	}
	return nil
}

// await waits until something has changed for the lane, or for a time; one that is over already does not end the wait.
func (l *lane) await(ctx context.Context, d time.Duration) {
	var over <-chan time.Time
	if d > 0 {
		timer := l.r.s.config.Clock.NewTimer(d)
		defer timer.Stop()
		over = timer.Chan()
	}
	select {
	case <-l.wake:
	case <-over:
	case <-ctx.Done():
	}
}

func (l *lane) look() outlook {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	o := outlook{ended: l.ended, tip: l.r.tip}
	if len(l.queue) > 0 {
		o.next = &l.queue[0]
	}
	return o
}

// close invokes the function for the last time in the open window, until that succeeds or is given up.
func (l *lane) close(ctx, grace context.Context) error {
	b, last := batch{window: l.open, final: true}, answer{}
	l.record(&b)
	defer func() { b.trail.Stop(l.r.s.config.Clock.Now()) }()
	for {
		a, err := closing(&b, last.outcome, l.policy(), l.open.end(), l.r.s.config.Clock.Now()), error(nil)
		switch a.kind {
		case attempt:
			last, err = l.attempt(ctx, grace, &b)
		case wait:
			last, err = answer{}, l.pause(ctx, a.after, &b, last.resting())
		case giveUp:
			return l.giveUpWindow(grace, &b, a, last.response)
		case advance:
			err := l.forget(grace)
			if err == nil {
				b.trail.End(l.r.s.config.Clock.Now())
			}
			return err
		}
		if err != nil {
			return err
		}
	}
}

// forget makes it durable that the open window is closed, and what else comes along.
func (l *lane) forget(grace context.Context, also ...store.Write) error {
	if err := l.r.persist(grace, append(also, l.r.rd.points.remove(l.r.key.Index, openWindow))...); err != nil {
		return errStopped
	}
	l.gathering = l.r.s.config.Clock.Now()
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.setOpen(nil)
	l.doing.Store(nil)
	l.r.notify()
	return nil
}

// setOpen sets the open window and counts its state among what lanes hold; the caller holds the mutex.
func (l *lane) setOpen(w *tumbling) {
	size := 0
	if w != nil {
		size += len(w.State)
	}
	if l.open != nil {
		size -= len(l.open.State)
	}
	l.open = w
	l.bytes += int64(size)
	l.r.s.buffered.Add(int64(size))
}

// keep returns the write that stores the window beside a checkpoint.
func (l *lane) keep(w *tumbling) (store.Write, error) {
	return l.r.rd.points.write(l.r.key.Index, openWindow, checkpoint{Window: w})
}

// inherit goes on with the window that was open when the shard was read before. One that the mapping's settings would
// not make is closed before anything else happens, since its records were taken under it.
func (r *reader) inherit(ctx, grace context.Context) error {
	l := &r.lanes[0]
	if l.open == nil {
		return nil
	}
	if l.open.length() != r.terms.row.Settings.tumblingWindow() {
		return l.close(ctx, grace)
	}
	l.running = true
	r.lanesDone.Go(func() { l.run(ctx, grace) })
	return nil
}
