package queue

import (
	"context"
	"fmt"
	"time"
)

// purgePause is how long after a purge the next one is refused.
const purgePause = time.Minute

// Purge does away with all messages that were sent before, in flight and delayed ones included. They are gone, durably,
// when it returns; Run clears up their rows. Errors: ErrNotFound, *PurgeInProgressError.
func (s *Service) Purge(ctx context.Context, name Name) error {
	if err := s.purge(ctx, name); err != nil {
		return fmt.Errorf("purge %s: %w", name, err)
	}
	return nil
}

func (s *Service) purge(ctx context.Context, name Name) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	q, err := s.find(name)
	if err != nil {
		return err
	}
	if err := q.ready(ctx); err != nil {
		return err
	}
	resume, err := q.quiet(ctx)
	if err != nil {
		return err
	}
	defer resume()
	// No send to this queue is under way, so the numbers of its messages were all given out before this one.
	last, err := s.mint.take(ctx, 1)
	if err != nil {
		return err
	}
	now := s.now()
	return s.changeAdmitted(ctx, q, func(d *definition) error {
		again := millis(d.Purged).Add(purgePause)
		if d.Purged != 0 && millis(now).Before(again) {
			return &PurgeInProgressError{Queue: name.Name, Again: again}
		}
		d.Purged = now
		d.PurgedThrough = last
		return nil
	}, func(q *queue) {
		q.purgeLocked(now)
	})
}

// purgeLocked takes all messages out of memory, and leaves their rows to a chore.
func (q *queue) purgeLocked(now int64) {
	q.emptyLocked()
	q.sweep, q.swept = true, ""
	q.chores.set(q, now)
}

// quiet waits until no send is under way and keeps new ones waiting until resume is called.
func (q *queue) quiet(ctx context.Context) (resume func(), err error) {
	q.mu.Lock()
	h := &hold{quiet: make(chan struct{}), over: make(chan struct{})}
	q.hold = h
	if q.sending == 0 {
		close(h.quiet)
	}
	q.mu.Unlock()
	resume = func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.hold = nil
		close(h.over)
	}
	if err := wait(ctx, h.quiet); err != nil {
		resume()
		return nil, err
	}
	return resume, nil
}

// beginSending admits a send, after any purge under way, and when nothing about the queue is in doubt.
func (q *queue) beginSending(ctx context.Context) error {
	for {
		if err := q.certain(ctx); err != nil {
			return err
		}
		q.mu.Lock()
		if q.gone {
			q.mu.Unlock()
			return ErrNotFound
		}
		if q.doubted > 0 {
			q.mu.Unlock()
			continue
		}
		h := q.hold
		if h == nil {
			q.sending++
			q.mu.Unlock()
			return nil
		}
		q.mu.Unlock()
		if err := wait(ctx, h.over); err != nil {
			return err
		}
	}
}

// endSendingLocked is the other end of beginSending.
func (q *queue) endSendingLocked() {
	q.sending--
	if q.sending == 0 && q.hold != nil {
		close(q.hold.quiet)
	}
}
