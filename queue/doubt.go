package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// doubtLocked has it found out what a commit about the queue came to that ended with the error, if that is not known.
// conclude reads what there is and has memory follow; until then nothing is sent to the queue, and what the commit was about
// stays as it is. It reports whether there is a doubt.
func (q *queue) doubtLocked(err error, conclude func(context.Context) error) bool {
	if !store.InDoubt(err) {
		return false
	}
	q.doubted++
	done := false // what follows may fail, and be called again
	q.doubts.Add(fmt.Sprintf("%s %d", q.subject(), q.doubtNumber.Add(1)), func(ctx context.Context) error {
		if err := conclude(ctx); err != nil {
			return err
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		if !done {
			done = true
			q.doubted--
		}
		return nil
	})
	return true
}

// subject is what the subjects of the queue's doubts begin with.
func (q *queue) subject() string { return fmt.Sprintf("queue %d", q.number) }

// certain returns nil when nothing about the queue is in doubt any more.
func (q *queue) certain(ctx context.Context) error {
	q.mu.Lock()
	doubted := q.doubted > 0
	q.mu.Unlock()
	if !doubted {
		return nil
	}
	return q.doubts.SettleAll(ctx, q.subject()+" ")
}

// there reports whether the store has a message.
func (q *queue) there(ctx context.Context, at position) (bool, error) {
	_, err := q.tables.Get(ctx, tableHeaders, headerKey(q.number, at))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// concludeSending takes in those messages of a send in doubt that are in the store.
func (q *queue) concludeSending(ctx context.Context, sent []fresh) error {
	arrived := make([]bool, len(sent))
	for i, f := range sent {
		var err error
		if arrived[i], err = q.there(ctx, f.position); err != nil {
			return fmt.Errorf("look for message %d: %w", f.number, err)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for i, f := range sent {
		delete(q.pending, f.number)
		if arrived[i] && !q.gone && f.number > q.def.PurgedThrough {
			q.arriveLocked(f, now)
		}
	}
	q.serveLocked(now)
	return nil
}

// concludeRelease ends deletes in doubt, or moves away from the queue: what is not in the store any more is gone.
func (q *queue) concludeRelease(ctx context.Context, doomed []*entry) error {
	var gone, left []*entry
	for _, e := range doomed {
		there, err := q.there(ctx, e.position)
		switch {
		case err != nil:
			return fmt.Errorf("look for message %d: %w", e.number, err)
		case there:
			left = append(left, e)
		default:
			gone = append(gone, e)
		}
	}
	q.release(gone, true)
	q.release(left, false)
	return nil
}

// doubt has it found out what became of the definition of a queue. Until then nothing is sent there, since what is sent to a
// queue that was deleted, or purged, is lost.
func (s *Service) doubt(name Name, q *queue, err error) {
	if !store.InDoubt(err) {
		return
	}
	if q == nil {
		s.doubts.Add("new "+name.key(), func(ctx context.Context) error { return s.reread(ctx, name) })
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.doubtLocked(err, func(ctx context.Context) error { return s.reread(ctx, name) })
}

// reread brings memory in line with what the store has of a queue's definition.
func (s *Service) reread(ctx context.Context, name Name) error {
	def, _, err := s.definitions.Get(ctx, name.key())
	q, unknown := s.find(name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if unknown == nil {
			s.forget(q, s.now())
		}
		return nil
	case err != nil:
		return fmt.Errorf("read %s again: %w", name, err)
	case unknown != nil:
		s.install(newQueue(s.ground, name, def))
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	purged := def.PurgedThrough != q.def.PurgedThrough
	q.def, q.set = def, settings(name, def.Attributes)
	if purged {
		q.purgeLocked(q.now())
	}
	q.reviewLocked()
	return nil
}

// rereadTask brings memory in line with what the store has of the queue's task.
func (s *Service) rereadTask(ctx context.Context, q *queue) error {
	all, keys, err := s.tasksOf(ctx, q)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var found *task
	for i := range all {
		if all[i].Status == TaskRunning {
			found = &task{Task: all[i], key: keys[i]}
		}
	}
	if found != nil && q.task != nil && q.task.key == found.key {
		return nil
	}
	if q.task = found; found != nil {
		q.chores.set(q, q.now())
	}
	return nil
}

// recount reads again how many messages a task has moved.
func (s *Service) recount(ctx context.Context, q *queue, t *task) error {
	stored, _, err := s.tasks.Get(ctx, t.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	t.Moved = max(t.Moved, stored.Moved)
	return nil
}
