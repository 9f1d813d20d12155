package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
)

const (
	// settleDelay is how long what a receive did may stay in memory alone, and how long dead rows may wait.
	settleDelay = time.Second
	// choreRetry is when a chore that failed is tried again.
	choreRetry = 5 * time.Second
	// choreBatch is how many messages one commit of a chore is about.
	choreBatch = 500
	// maxTrash is how many messages may wait for their rows to be deleted.
	maxTrash = 100000
	// finalSettle bounds, in real time, the last writing behind when Run ends.
	finalSettle = 10 * time.Second
)

// chore does what is to be done for a queue in the store, a batch of each kind, and makes the next appointment.
func (s *Service) chore(ctx context.Context, q *queue) {
	err := s.keepHouse(ctx, q)
	if err == nil || ctx.Err() != nil {
		return
	}
	s.log.Error("a queue's housekeeping failed and will be tried again", "queue", q.name.ARN(), "error", err)
	q.chores.set(q, q.now()+choreRetry.Milliseconds())
}

// keepHouse is one round of chores.
func (s *Service) keepHouse(ctx context.Context, q *queue) error {
	q.mu.Lock()
	gone := q.gone
	q.mu.Unlock()
	if gone {
		return s.clear(ctx, q)
	}
	if err := q.ready(ctx); err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	if err := q.settle(ctx); err != nil {
		return err
	}
	if err := q.expire(ctx); err != nil {
		return err
	}
	if err := q.empty(ctx); err != nil {
		return err
	}
	if err := q.banish(ctx); err != nil {
		return err
	}
	if err := q.forgetSends(ctx); err != nil {
		return err
	}
	if err := s.work(ctx, q); err != nil {
		return err
	}
	return q.sweepPurged(ctx)
}

// settle writes a batch of what receives did.
func (q *queue) settle(ctx context.Context) error {
	batch, writes := q.takeDirty()
	var err error
	if len(writes) > 0 {
		err = q.tables.Commit(ctx, writes...)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for _, e := range batch {
		switch {
		case e.deleted: // while it was written: the row may have come after the delete
			q.throwLocked(trash{position: e.position, receive: true}, now)
		case e.deleting > 0:
			e.straggler = true
		case err != nil:
			q.touchLocked(e, now)
		}
	}
	if err != nil {
		return fmt.Errorf("write receives: %w", err)
	}
	if len(q.dirty) > 0 {
		q.chores.set(q, now)
	}
	return nil
}

// takeDirty takes a batch of entries to be written, and writes their rows.
func (q *queue) takeDirty() (batch []*entry, writes []store.Write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.dirty), choreBatch)
	for _, e := range q.dirty[:n] {
		e.dirty = false
		if e.deleted || e.deleting > 0 {
			continue // should the delete fail, it is touched again
		}
		e.saved = true // from now on there may be a row, whatever comes of the commit
		batch = append(batch, e)
		key := messageKey(q.number, e.number)
		writes = append(writes, store.Write{Table: tableReceives, Key: key, Value: e.receives.encode()})
	}
	q.dirty = append(q.dirty[:0], q.dirty[n:]...)
	return batch, writes
}

// settleAll writes everything that receives did, at the end of Run.
func (s *Service) settleAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, finalSettle)
	defer cancel()
	for _, q := range s.all() {
		for {
			q.mu.Lock()
			left := len(q.dirty)
			q.mu.Unlock()
			if left == 0 {
				break
			}
			if err := q.settle(ctx); err != nil {
				return fmt.Errorf("stop queues: %s: %w", q.name, err)
			}
		}
	}
	return nil
}

// expire throws away what is too old, and makes the appointment for the next. Messages whose delay makes them sort
// late may stay in the store for up to that delay longer; nobody receives them.
func (q *queue) expire(ctx context.Context) error {
	for {
		q.mu.Lock()
		now := q.now()
		if now < q.expiry {
			if q.expiry < never {
				q.chores.set(q, q.expiry)
			}
			q.mu.Unlock()
			return nil
		}
		oldest := min(q.expireEntriesLocked(now), q.expireFreshLocked(now))
		if !q.dryLocked() || len(q.trash) >= maxTrash {
			q.serveLocked(now) // places in flight may have become free
			q.expiry = never
			if oldest < never {
				// Not at once again, or a steady stream of expiries would keep the chore busy.
				q.expiry = max(oldest+q.set.Retention.Milliseconds(), now+settleDelay.Milliseconds())
				q.chores.set(q, q.expiry)
			}
			q.mu.Unlock()
			return nil
		}
		q.mu.Unlock()
		if err := q.readOn(ctx); err != nil {
			return err
		}
	}
}

// expireEntriesLocked throws away the entries that are too old, and returns when the oldest of the others was sent.
func (q *queue) expireEntriesLocked(now int64) (oldest int64) {
	oldest = never
	for _, e := range q.entries {
		if e.deleting == 0 && q.expired(e.sent, now) && len(q.trash) < maxTrash {
			q.discardLocked(e, now)
			continue
		}
		oldest = min(oldest, e.sent)
	}
	return oldest
}

// expireFreshLocked does the same for the first of the messages that nobody has received.
func (q *queue) expireFreshLocked(now int64) (oldest int64) {
	if q.groups != nil {
		return q.expireGroupsLocked(now)
	}
	for {
		f, there := q.window.front()
		if !there {
			return never
		}
		if !q.expired(f.sent, now) || len(q.trash) >= maxTrash {
			return f.sent
		}
		q.dropFreshLocked(f, now)
		q.throwLocked(trash{position: f.position, header: true, body: true}, now)
	}
}

// expireGroupsLocked does the same for those of a FIFO queue.
func (q *queue) expireGroupsLocked(now int64) (oldest int64) {
	oldest = never
	for _, g := range q.groups.byID {
		for g.head < len(g.fresh) {
			f := g.fresh[g.head]
			if !q.expired(f.sent, now) || len(q.trash) >= maxTrash {
				oldest = min(oldest, f.sent)
				break
			}
			q.groups.remove(g.id, f.number)
			q.fresh--
			q.delayLocked(q.dueLocked(f), now, -1)
			q.throwLocked(trash{position: f.position, header: true, body: true}, now)
		}
		q.regroupLocked(g, now)
	}
	return oldest
}

// empty deletes a batch of rows that nobody owns.
func (q *queue) empty(ctx context.Context) error {
	q.mu.Lock()
	n := min(len(q.trash), choreBatch)
	batch := append([]trash(nil), q.trash[:n]...)
	q.trash = append(q.trash[:0], q.trash[n:]...)
	q.mu.Unlock()
	if n == 0 {
		return nil
	}
	var writes []store.Write
	for _, t := range batch {
		writes = append(writes, t.writes(q.number)...)
	}
	err := q.tables.Commit(ctx, writes...)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.trash = append(q.trash, batch...)
		return fmt.Errorf("delete rows: %w", err)
	}
	if len(q.trash) > 0 {
		q.chores.set(q, q.now())
	}
	return nil
}

// writes are the deletions of the rows.
func (t trash) writes(queue uint64) []store.Write {
	var w []store.Write
	if t.header {
		w = append(w, store.Write{Table: tableHeaders, Key: headerKey(queue, t.position), Delete: true})
	}
	if t.body {
		w = append(w, store.Write{Table: tableBodies, Key: messageKey(queue, t.number), Delete: true})
	}
	if t.receive {
		w = append(w, store.Write{Table: tableReceives, Key: messageKey(queue, t.number), Delete: true})
	}
	return w
}
