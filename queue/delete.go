package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// DeleteMessages deletes the messages that the receipt handles name, and answers for each in the order given: nil, or
// ErrInvalidHandle. Any handle that this queue ever gave out will do, and deleting what is gone is no error; only in a
// FIFO queue a handle ends with its visibility timeout: ErrHandleExpired. Deletes are durable when it returns. An error
// about all of them is ErrNotFound or the store's, after which they stay out of sight until it is known whether they are gone.
func (s *Service) DeleteMessages(ctx context.Context, name Name, handles ...string) ([]error, error) {
	refused, err := s.deleteMessages(ctx, name, handles)
	if err != nil {
		return nil, fmt.Errorf("delete messages of %s: %w", name, err)
	}
	return refused, nil
}

func (s *Service) deleteMessages(ctx context.Context, name Name, handles []string) ([]error, error) {
	q, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if err := q.ready(ctx); err != nil {
		return nil, err
	}
	if err := q.certain(ctx); err != nil {
		return nil, err
	}
	refused := make([]error, len(handles))
	var doomed []*entry
	for i, h := range handles {
		r, ok := q.open(h)
		if !ok {
			refused[i] = ErrInvalidHandle
			continue
		}
		e, err := q.claim(ctx, r)
		switch {
		case errors.Is(err, ErrHandleExpired):
			refused[i] = ErrHandleExpired
		case err != nil:
			q.release(doomed, false)
			return nil, err
		case e != nil:
			doomed = append(doomed, e)
		}
	}
	if len(doomed) == 0 {
		return refused, nil
	}
	err = q.tables.Commit(context.WithoutCancel(ctx), q.deletions(doomed)...)
	q.mu.Lock()
	doubted := q.doubtLocked(err, func(ctx context.Context) error { return q.concludeRelease(ctx, doomed) })
	q.mu.Unlock()
	if !doubted {
		q.release(doomed, err == nil)
	}
	return refused, err
}

// open reads a receipt handle of this queue.
func (q *queue) open(handle string) (receipt, bool) {
	r, ok := openReceipt(q.mint.signingKey(), handle)
	return r, ok && r.queue == q.number
}

// claim takes the message out of sight for a delete. It returns nil when the message is gone.
func (q *queue) claim(ctx context.Context, r receipt) (*entry, error) {
	e, forgotten, err := q.seek(ctx, r)
	if e == nil || err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case e.deleted:
		return nil, nil
	case !forgotten && q.endedLocked(e, r):
		return nil, ErrHandleExpired
	}
	q.holdLocked(e)
	return e, nil
}

// endedLocked reports whether a handle has ended: in a FIFO queue it does with the visibility timeout of its receive. A
// handle that knows of more receives than memory does is of one that a crash made it forget, and counts.
func (q *queue) endedLocked(e *entry, r receipt) bool {
	return q.groups != nil && (r.count < e.count || r.count == e.count && e.deadline <= q.now())
}

// holdLocked keeps a message out of sight while it is deleted or moved.
func (q *queue) holdLocked(e *entry) {
	e.remove()
	e.deleting++
	if e.group != nil {
		q.regroupLocked(e.group, q.now())
	}
}

// seek finds the entry of a message that was received. A crash may have made the room forget the receive, though not
// the message: then it is made an entry again, as the handle remembers it. The result is nil when the message is gone.
func (q *queue) seek(ctx context.Context, r receipt) (_ *entry, forgotten bool, _ error) {
	q.mu.Lock()
	e, purged := q.entries[r.number], r.number <= q.def.PurgedThrough
	q.mu.Unlock()
	if e != nil || purged {
		return e, false, nil
	}
	row, err := q.tables.Get(ctx, tableHeaders, headerKey(q.number, r.position))
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the header of message %d: %w", r.number, err)
	}
	f, err := parseHeader(row, nil)
	if err != nil {
		return nil, false, corrupt(tableHeaders, q.number, r.number, err)
	}
	e, forgotten = q.adopt(r, f)
	return e, forgotten, nil
}

// adopt makes a fresh message an entry.
func (q *queue) adopt(r receipt, f fresh) (_ *entry, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[r.number]; e != nil {
		return e, false
	}
	if r.number <= q.def.PurgedThrough || q.gone {
		return nil, false
	}
	now := q.now()
	e := &entry{position: f.position, sent: f.sent}
	e.count, e.first, e.last, e.deadline = r.count, now, now, now
	q.unshelveLocked(f, now)
	if q.refill != nil {
		q.refill.gone[r.number] = struct{}{}
	}
	q.fresh--
	q.delayLocked(q.dueLocked(f), now, -1)
	var g *group
	if q.groups != nil {
		g = q.groups.of(f.group)
	}
	q.enterLocked(e, g)
	q.placeLocked(e, now)
	return e, true
}

// deletions are the writes that delete messages.
func (q *queue) deletions(doomed []*entry) []store.Write {
	q.mu.Lock()
	defer q.mu.Unlock()
	var writes []store.Write
	for _, e := range doomed {
		t := trash{position: e.position, header: true, body: true, receive: e.saved}
		writes = append(writes, t.writes(q.number)...)
	}
	return writes
}

// release ends deletes: the messages are gone, or back in their places.
func (q *queue) release(doomed []*entry, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for _, e := range doomed {
		e.deleting--
		switch {
		case done:
			if !e.deleted {
				q.forgetLocked(e)
			}
			if q.refill != nil {
				q.refill.gone[e.number] = struct{}{}
			}
			if e.straggler {
				q.throwLocked(trash{position: e.position, receive: true}, now)
			}
		case e.deleting == 0 && !e.deleted:
			q.placeLocked(e, now)
			q.touchLocked(e, now)
		}
	}
	q.serveLocked(now)
}
