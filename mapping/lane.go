package mapping

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// lane handles the records of one sector of a shard in their order, one batch at a time. It has a goroutine only while
// there are records for it, so that an idle shard costs no more than its reader.
type lane struct {
	r      *reader
	sector sector

	// Guarded by the reader's mutex.

	stored  checkpoint      // of the lane, as it was when the shard began to be read
	queue   []stream.Record // read, and not yet in a batch
	queued  int64           // bytes of the queue
	held    int             // records in the queue and in the batch at work
	bytes   int64           // bytes of the same, and of the open window's state
	fed     stream.Position // up to here the lane was handed what is its own
	settled stream.Position // up to here all of it is done; fed, when nothing is held
	durable stream.Position // up to here that is stored as the lane's own checkpoint
	ended   bool            // the shard is closed and nothing more will come
	reading bool            // the read that is under way is for this lane too
	running bool            // the lane has a goroutine
	open    *tumbling       // the tumbling window that is not closed yet; what it points to does not change

	wake chan struct{} // has an element when the queue has grown or ended
	// doing is what the lane is at, nil when it is at work. It is no matter of the mutex, so that no lane waits for its reader
	// to say it.
	doing atomic.Pointer[doing]

	// Owned by the lane's goroutine, one after the other.

	gathering time.Time // when the current batching window began
	role      string    // the function's role when it was last looked up
}

// errStopped says that ctx has ended before the batch was done.
var errStopped = errors.New("lane stopped")

// run works off the lane's records and returns when there are none, or when ctx has ended.
func (l *lane) run(ctx, grace context.Context) {
	for free := true; ; free = false {
		if err := l.tumble(ctx, grace); err != nil {
			l.stopped(err)
			return
		}
		b, ok := l.gather(ctx)
		if !ok {
			return
		}
		b.free = free
		l.record(&b)
		l.r.rd.e.stats.batches.Add(1)
		if err := l.carry(ctx, grace, b); err != nil {
			l.stopped(err)
			return
		}
		l.gathering = l.r.s.config.Clock.Now()
	}
}

// stopped tells the reader why the lane has ended, unless it was told to.
func (l *lane) stopped(err error) {
	if !errors.Is(err, errStopped) {
		l.r.fail(err)
	}
}

// carry brings a batch to its end: when it returns nil, each of its records is delivered or given up. A batch that is
// split becomes two on a stack, whose top is the leftmost.
func (l *lane) carry(ctx, grace context.Context, whole batch) error {
	stack, last := []batch{whole}, answer{}
	defer func() { l.leave(stack) }()
	for len(stack) > 0 {
		b, next := &stack[len(stack)-1], answer{}
		for _, a := range verdict(b, last.outcome, l.policy(), l.r.s.config.Clock.Now()) {
			var err error
			switch a.kind {
			case attempt:
				next, err = l.attempt(ctx, grace, b)
			case wait:
				err = l.pause(ctx, a.after, b, last.resting())
			case advance:
				err = l.advance(ctx, grace, b, a.n, last.state)
			case giveUp:
				err = l.giveUp(grace, b, a, last.response)
			case split:
				left, right := l.split(b, a.n, last.outcome)
				stack = append(stack[:len(stack)-1], right, left)
				if last.outcome.counts() {
					l.r.rd.e.stats.splits.Add(1)
				}
			}
			if err != nil {
				return err
			}
		}
		if top := len(stack) - 1; len(stack[top].records) == 0 {
			stack[top].trail.End(l.r.s.config.Clock.Now())
			stack = stack[:top]
		}
		last = next
	}
	return nil
}

// policy returns what verdicts depend on. The stream's retention may change while a batch waits.
func (l *lane) policy() policy {
	set := &l.r.terms.row.Settings
	p := policy{
		retries:   set.MaximumRetryAttempts,
		retention: time.Duration(l.r.rd.retention.Load()),
		bisect:    set.BisectBatchOnFunctionError,
		backoff:   l.r.retry,
		early:     l.r.s.early(),
	}
	if set.MaximumRecordAge != Forever {
		p.age = time.Duration(set.MaximumRecordAge) * time.Second
	}
	return p
}

// longPause is the wait from which a lane looks whether its stream is still there and for how long it keeps records.
const longPause = time.Second

// pause waits before a batch is judged anew. What is waited for is said to those who look on.
func (l *lane) pause(ctx context.Context, d time.Duration, b *batch, what string) error {
	until := l.r.s.config.Clock.Now().Add(d)
	b.trail.Wait(history.Wait{For: what, Until: until})
	l.does(doing{what: what, until: until, batch: b.trail.ID()})
	l.r.s.sleep(ctx, d, nil)
	if ctx.Err() != nil {
		return errStopped
	}
	if d < longPause {
		return nil
	}
	_, err := l.r.rd.describe(ctx)
	if isNotFound(err) {
		return err
	}
	return nil // whatever else it is, the reader meets it too
}

// advance settles records that were delivered, with the state that their window has now. One that is too large closes
// the window before anything else.
func (l *lane) advance(ctx, grace context.Context, b *batch, n int, state []byte) error {
	open := l.open
	if b.window != nil {
		open = &tumbling{Start: b.window.Start, End: b.window.End, State: state}
	}
	if err := l.settle(grace, b, n, open); err != nil {
		return err
	}
	b.renew()
	l.r.rd.e.stats.delivered.Add(uint64(n))
	l.r.counts.delivered.Add(uint64(n))
	if open != nil && open.overflows() {
		return l.close(ctx, grace)
	}
	return nil
}

// settle makes it durable that the first n records of the batch are done and what window is open now, and lets go of
// them. What else is to be durable with that comes along. Only then may the lane invoke the function with what comes after: that is why a crash repeats no more than the
// batch in flight.
func (l *lane) settle(grace context.Context, b *batch, n int, open *tumbling, also ...store.Write) error {
	done := through(&b.records[n-1])
	fact, err := l.r.rd.points.write(l.r.key.Index, l.sector, done)
	if err != nil {
		return err
	}
	facts := append(also, fact)
	if open != l.open {
		if fact, err = l.keep(open); err != nil {
			return err
		}
		facts = append(facts, fact)
	}
	if err := l.r.persist(grace, facts...); err != nil {
		return errStopped
	}
	size := memory(b.records[:n])
	b.drop(n)

	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.setOpen(open)
	l.doing.Store(nil)
	l.held -= n
	l.bytes -= size
	l.r.s.buffered.Add(-size)
	l.settled, l.durable = done.Position, done.Position
	if l.held == 0 {
		l.settled = l.fed
	}
	l.r.touch()
	l.r.notify()
	return nil
}
