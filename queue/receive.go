package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
)

// ReceiveOptions say what a receive wants. The zero value asks for one message on the queue's own terms.
type ReceiveOptions struct {
	// Max is the most messages to return, 1 to MaxReceive; 0 means 1.
	Max int
	// Wait is how long to wait when there is no message, 0 to MaxWait; nil takes the queue's.
	Wait *time.Duration
	// Visibility is how long the messages stay hidden from others, 0 to MaxVisibility; nil takes the queue's.
	Visibility *time.Duration
	// AttemptID names the receive, so that it can be repeated with the same outcome for five minutes, as long as nothing
	// befell the messages. It means something to FIFO queues only. This memory does not outlive the process.
	AttemptID string
}

// Received is a message as a receiver sees it. It is the receiver's own.
type Received struct {
	ID     string
	Handle string // names this receive of it; what DeleteMessages and ChangeVisibility want
	Body   string
	Digest string // MD5 of the body, in hex
	// Attributes are the sender's, Sender and TraceHeader as it gave them ("" when not).
	Attributes          map[string]Attribute
	Sender, TraceHeader string
	Sent, FirstReceived time.Time
	// Count is how often it was received, this time included, and in the queue that gave it up too.
	Count int
	// Group is the message group, "" when there is none.
	Group string
	// DeduplicationID and SequenceNumber are a FIFO queue's.
	DeduplicationID, SequenceNumber string
	// DeadLetterSource is the ARN of the queue that gave the message up; "" when none did.
	DeadLetterSource string
}

// Receive takes messages out of sight and returns them, in about the order in which they became available; of a FIFO
// queue's message group exactly in the order in which they were sent, and none while an earlier one is out of sight.
// Messages that were received too often go to the dead-letter queue before it returns. With a wait it returns as soon as there is one. No message is not an error. Errors: ErrNotFound (also when the queue is deleted
// meanwhile), ErrMaxRange, ErrWaitRange, ErrVisibilityRange, ErrOverLimit (only without a wait, and in a standard queue),
// ErrTooManyReceivers, *ParameterError, the context's, or the store's.
func (s *Service) Receive(ctx context.Context, name Name, o ReceiveOptions) ([]Received, error) {
	received, err := s.receive(ctx, name, o)
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", name, err)
	}
	return received, nil
}

func (s *Service) receive(ctx context.Context, name Name, o ReceiveOptions) ([]Received, error) {
	q, err := s.find(name)
	if err != nil {
		return nil, err
	}
	w, pause, err := q.waiterFor(o)
	if err != nil {
		return nil, err
	}
	if err := q.ready(ctx); err != nil {
		return nil, err
	}
	taken, err := q.take(ctx, w, pause)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	return q.unpack(ctx, taken)
}

// waiterFor judges the options and completes them with the queue's settings.
func (q *queue) waiterFor(o ReceiveOptions) (waiter, time.Duration, error) {
	q.mu.Lock()
	set := q.set
	q.mu.Unlock()
	if o.Max == 0 {
		o.Max = 1
	}
	if o.Wait == nil {
		o.Wait = &set.Wait
	}
	if o.Visibility == nil {
		o.Visibility = &set.Visibility
	}
	switch {
	case o.AttemptID != "" && q.name.FIFO() && !validID(o.AttemptID):
		return waiter{}, 0, &ParameterError{Name: ParameterAttempt, Value: o.AttemptID}
	case o.Max < 1 || o.Max > MaxReceive:
		return waiter{}, 0, ErrMaxRange
	case *o.Wait < 0 || *o.Wait > MaxWait:
		return waiter{}, 0, ErrWaitRange
	case *o.Visibility < 0 || *o.Visibility > MaxVisibility:
		return waiter{}, 0, ErrVisibilityRange
	}
	return waiter{max: o.Max, visibility: o.Visibility.Milliseconds(), attempt: o.AttemptID}, *o.Wait, nil
}

// take returns messages as soon as there are any, or none when the pause is over.
func (q *queue) take(ctx context.Context, w waiter, pause time.Duration) ([]delivery, error) {
	if pause == 0 {
		taken, _, err := q.look(ctx, w, true)
		if err == nil && len(taken) == 0 && !q.name.FIFO() && q.full() {
			err = ErrOverLimit
		}
		return taken, err
	}
	timer := q.clock.NewTimer(pause)
	defer timer.Stop()
	for over := false; ; {
		taken, turn, err := q.look(ctx, w, over)
		if err != nil || turn == nil {
			return taken, err
		}
		if taken, over, err = q.stand(ctx, turn, timer); err != nil || len(taken) > 0 {
			return taken, err
		}
	}
}

// full reports whether no further message may be taken.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.fullLocked()
}

// errBusy says that something has to be seen to first: the window is to be read on, or messages are to be moved.
var errBusy = errors.New("window is short or messages are condemned")

// look takes what there is. When there is nothing it takes a place in line, unless it looks for the last time.
func (q *queue) look(ctx context.Context, w waiter, last bool) ([]delivery, *waiter, error) {
	for {
		taken, turn, err := q.glance(w, last)
		if err != nil && !errors.Is(err, errBusy) {
			return nil, nil, err
		}
		if failed := q.banish(ctx); failed != nil && len(taken) == 0 {
			return nil, nil, failed
		}
		if err == nil {
			return taken, turn, nil
		}
		if err := q.readOn(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// glance is look without the store.
func (q *queue) glance(w waiter, last bool) ([]delivery, *waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone {
		return nil, nil, ErrNotFound
	}
	now := q.now()
	if again := q.repeatLocked(w.attempt, w.visibility, now); again != nil {
		return again, nil, nil
	}
	q.serveLocked(now)
	if q.hungryLocked(w.max) {
		return nil, nil, errBusy
	}
	if q.line.Len() == 0 {
		if taken := q.takeLocked(now, w.max, w.visibility); len(taken) > 0 {
			q.rememberAttemptLocked(w.attempt, taken, now)
			return taken, nil, nil
		}
	}
	switch {
	case len(q.condemned) > 0:
		return nil, nil, errBusy
	case last:
		return nil, nil, nil
	case q.line.Len() >= q.limits.waiting:
		return nil, nil, ErrTooManyReceivers
	}
	turn := &waiter{max: w.max, visibility: w.visibility, attempt: w.attempt, ready: make(chan struct{})}
	q.joinLocked(turn)
	q.serveLocked(now) // makes the appointment
	return nil, turn, nil
}

// EndWaits lets receivers that wait go, with the messages there are, and no receive waits any more: a server that stops
// takes no new requests, and should not be held up by those that only wait. It is called at most once.
func (s *Service) EndWaits() { close(s.closing) }

// stand waits in line. Without messages and without an error the waiter has to look again, for the last time when its
// time is over.
func (q *queue) stand(ctx context.Context, w *waiter, timer clockwork.Timer) (_ []delivery, over bool, _ error) {
	select {
	case <-w.ready:
	case <-timer.Chan():
		over = true
	case <-q.closing:
		over = true
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leaveLocked(w)
	if err := ctx.Err(); err != nil {
		q.returnLocked(w.taken)
		q.serveLocked(q.now()) // what it was to do, another one has to
		return nil, true, err
	}
	return w.taken, over, nil
}

// returnLocked makes messages visible again as if they had not been received.
func (q *queue) returnLocked(all []delivery) {
	now := q.now()
	for _, d := range all {
		e := d.entry
		if e.deleted || e.deleting > 0 || e.count != d.count {
			continue
		}
		e.count--
		if e.count == 0 {
			e.first = 0
		}
		e.deadline = now
		q.placeLocked(e, now)
		q.touchLocked(e, now)
	}
}

// giveBack is returnLocked for who does not hold the mutex, and hands the messages to who waits.
func (q *queue) giveBack(all []delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.returnLocked(all)
	q.serveLocked(q.now())
}

// unpack reads the bodies of messages that were taken. If one cannot be read for a reason that may pass, all are
// returned to the queue. One that is damaged stays hidden for its timeout, so that it does not hold up the others.
func (q *queue) unpack(ctx context.Context, taken []delivery) ([]Received, error) {
	received := make([]Received, 0, len(taken))
	var damage error
	for _, d := range taken {
		row, err := q.tables.Get(ctx, tableBodies, messageKey(q.number, d.number))
		switch {
		case errors.Is(err, store.ErrNotFound):
			q.lost(d)
			continue
		case errors.Is(err, store.ErrCorrupt):
		case err != nil:
			q.giveBack(taken)
			return nil, fmt.Errorf("read message %d: %w", d.number, err)
		}
		var c *content
		if err == nil {
			c, err = decodeContent(row.Value)
		}
		if err != nil {
			damage = corrupt(tableBodies, q.number, d.number, err)
			q.log.Error("a message is damaged and was left out of a receive", "queue", q.name.ARN(), "error", damage)
			continue
		}
		received = append(received, q.present(d, c))
	}
	if len(received) == 0 && damage != nil {
		return nil, damage
	}
	return received, nil
}

// present is the message as the receiver sees it.
func (q *queue) present(d delivery, c *content) Received {
	r := receipt{queue: q.number, position: d.position, count: d.count}
	m := Received{
		ID: uuid.UUID(c.id).String(), Handle: r.seal(q.mint.signingKey()),
		Body: c.body, Digest: hexDigest(c.digest),
		Attributes: c.attributes, Sender: c.sender, TraceHeader: c.trace,
		Sent: millis(d.sent), FirstReceived: millis(d.first), Count: int(c.count + d.count),
		Group: c.group, DeadLetterSource: c.source,
	}
	if c.first != 0 {
		m.FirstReceived = millis(c.first)
	}
	if q.name.FIFO() {
		m.DeduplicationID, m.SequenceNumber = c.dedup, sequence(d.number)
	}
	return m
}

// lost drops a message whose body is no longer there: it was deleted or purged while it was being handed out.
func (q *queue) lost(d delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d.deleted || d.deleting > 0 {
		return
	}
	q.forgetLocked(d.entry)
	q.throwLocked(trash{position: d.position, header: true, receive: d.saved}, q.now())
}
