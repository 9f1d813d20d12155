package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// DeleteMessages deletes the messages that the receipt handles name, and answers for each in the order given: nil, or
// ErrInvalidHandle. Any handle that this queue ever gave out will do, and deleting what is gone is no error. Deletes
// are durable when it returns. An error about all of them is ErrNotFound or the store's.
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
	refused := make([]error, len(handles))
	var doomed []*entry
	for i, h := range handles {
		r, ok := q.open(h)
		if !ok {
			refused[i] = ErrInvalidHandle
			continue
		}
		e, err := q.claim(ctx, r)
		if err != nil {
			q.release(doomed, false)
			return nil, err
		}
		if e != nil {
			doomed = append(doomed, e)
		}
	}
	if len(doomed) == 0 {
		return refused, nil
	}
	err = q.tables.Commit(context.WithoutCancel(ctx), q.deletions(doomed)...)
	q.release(doomed, err == nil)
	return refused, err
}

// open reads a receipt handle of this queue.
func (q *queue) open(handle string) (receipt, bool) {
	r, ok := openReceipt(q.mint.signingKey(), handle)
	return r, ok && r.queue == q.number
}

// claim takes the message out of sight for a delete. It returns nil when the message is gone.
func (q *queue) claim(ctx context.Context, r receipt) (*entry, error) {
	e, err := q.seek(ctx, r)
	if e == nil || err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.deleted {
		return nil, nil
	}
	e.remove()
	e.deleting++
	return e, nil
}

// seek finds the entry of a message that was received. A crash may have made the room forget the receive, though not
// the message: then it is made an entry again, as the handle remembers it. The result is nil when the message is gone.
func (q *queue) seek(ctx context.Context, r receipt) (*entry, error) {
	q.mu.Lock()
	e, purged := q.entries[r.number], r.number <= q.def.PurgedThrough
	q.mu.Unlock()
	if e != nil || purged {
		return e, nil
	}
	row, err := q.tables.Get(ctx, tableHeaders, headerKey(q.number, r.position))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the header of message %d: %w", r.number, err)
	}
	sent, err := decodeHeader(row.Value)
	if err != nil {
		return nil, corrupt(tableHeaders, q.number, r.number, err)
	}
	return q.adopt(r, sent), nil
}

// adopt makes a fresh message an entry.
func (q *queue) adopt(r receipt, sent int64) *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[r.number]; e != nil {
		return e
	}
	if r.number <= q.def.PurgedThrough || q.gone {
		return nil
	}
	now := q.now()
	e := &entry{position: r.position, sent: sent}
	e.count, e.first, e.last, e.deadline = r.count, now, now, now
	q.window.remove(r.position)
	if q.refill != nil {
		q.refill.gone[r.number] = struct{}{}
	}
	q.fresh--
	q.delayLocked(r.due, now, -1)
	q.entries[e.number] = e
	q.placeLocked(e, now)
	return e
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
