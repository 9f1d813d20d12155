package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

const (
	// maxMoveRate is the most messages a second that a task may be told to move.
	maxMoveRate = 500
	// keptTasks is how many of a queue's latest tasks are remembered.
	keptTasks = 10
)

// TaskStatus says how a task stands.
type TaskStatus string

// What TaskStatus may be. A task that is cancelled ends at once: AWS's "CANCELLING" is never seen.
const (
	TaskRunning   TaskStatus = "RUNNING"
	TaskCompleted TaskStatus = "COMPLETED"
	TaskCancelled TaskStatus = "CANCELLED"
	TaskFailed    TaskStatus = "FAILED"
)

// Task is a move of a dead-letter queue's messages, back to where they came from or elsewhere. Its JSON form is part of
// the store's format.
type Task struct {
	ID          string // a UUID
	Source      string // ARN of the dead-letter queue
	Destination string // ARN, or "" when each message goes back to the queue that gave it up
	Rate        int    // messages a second, 0 for as many as may be
	Status      TaskStatus
	Started     int64 // milliseconds of Unix time
	Moved       int64
	ToMove      int64  // as counted at the start
	Failure     string // why it failed
}

// task is a task under way.
type task struct {
	Task
	key  string
	next int64 // when it may go on, in milliseconds of Unix time
}

// Why tasks fail, in AWS's words.
const (
	failureNoSource = "CouldNotDetermineMessageSource"
	failureNoQueue  = "AWS.SimpleQueueService.NonExistentQueue"
)

// StartMove begins to move the messages of a dead-letter queue to the destination, or, when that is nil, each to the
// queue that gave it up; Run moves them. It goes on after a restart. Messages that were moved are new ones: with a new
// id, and young. Errors: ErrNotFound, ErrDestinationNotFound, ErrNotDeadLetterQueue, ErrSameQueue, ErrQueueTypes,
// ErrMoveRate, ErrTaskRunning.
func (s *Service) StartMove(ctx context.Context, source Name, destination *Name, rate *int) (Task, error) {
	t, err := s.startMove(ctx, source, destination, rate)
	if err != nil {
		return Task{}, fmt.Errorf("move messages of %s: %w", source, err)
	}
	return t, nil
}

func (s *Service) startMove(ctx context.Context, source Name, destination *Name, rate *int) (Task, error) {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return Task{}, err
	}
	defer done()
	t := Task{ID: uuid.NewString(), Source: source.ARN(), Status: TaskRunning, Started: s.now()}
	q, err := s.checkMove(source, destination, rate)
	if err != nil {
		return Task{}, err
	}
	if destination != nil {
		t.Destination = destination.ARN()
	}
	if rate != nil {
		t.Rate = *rate
	}
	counts, err := s.Count(ctx, source)
	if err != nil {
		return Task{}, err
	}
	t.ToMove = counts.Visible
	release, err := q.changeTask(ctx)
	if err != nil {
		return Task{}, err
	}
	defer release()
	return t, s.keepTask(ctx, q, t)
}

// checkMove judges a move that is asked for.
func (s *Service) checkMove(source Name, destination *Name, rate *int) (*queue, error) {
	q, err := s.find(source)
	if err != nil {
		return nil, err
	}
	if sources, _ := s.DeadLetterSources(source, "", 1); len(sources) == 0 {
		return nil, ErrNotDeadLetterQueue
	}
	if destination != nil {
		if *destination == source {
			return nil, ErrSameQueue
		}
		if _, err := s.find(*destination); err != nil {
			return nil, ErrDestinationNotFound
		}
		if destination.FIFO() != source.FIFO() {
			return nil, ErrQueueTypes
		}
	}
	if rate != nil && (*rate < 1 || *rate > maxMoveRate) {
		return nil, ErrMoveRate
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.task != nil {
		return nil, ErrTaskRunning
	}
	return q, nil
}

// keepTask makes a new task durable, and forgets the oldest when there are many.
func (s *Service) keepTask(ctx context.Context, q *queue, t Task) error {
	number, err := s.mint.take(ctx, 1)
	if err != nil {
		return err
	}
	kept, keys, err := s.tasksOf(ctx, q)
	if err != nil {
		return err
	}
	key := messageKey(q.number, number)
	write, err := s.tasks.Write(key, t, 0)
	if err != nil {
		return err
	}
	writes := []store.Write{write}
	for i := 0; i <= len(kept)-keptTasks; i++ {
		writes = append(writes, s.tasks.Remove(keys[i], 0))
	}
	err = s.tables.Commit(context.WithoutCancel(ctx), writes...)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.doubtLocked(err, func(ctx context.Context) error { return s.rereadTask(ctx, q) })
		return err
	}
	q.task = &task{Task: t, key: key}
	s.chores.set(q, s.now())
	return nil
}

// tasksOf returns a queue's tasks, the oldest first, and their keys.
func (s *Service) tasksOf(ctx context.Context, q *queue) (all []Task, keys []string, _ error) {
	for item, err := range s.tasks.Scan(ctx, queuePrefix(q.number)) {
		if err != nil {
			return nil, nil, err
		}
		all, keys = append(all, item.Value), append(keys, item.Key)
	}
	return all, keys, nil
}

// Moves returns a queue's latest tasks, at most limit of them and of the ten that are kept, the latest first. Error:
// ErrNotFound.
func (s *Service) Moves(ctx context.Context, source Name, limit int) ([]Task, error) {
	q, err := s.find(source)
	var all []Task
	if err == nil {
		all, _, err = s.tasksOf(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("list moves of %s: %w", source, err)
	}
	var latest []Task
	for i := len(all) - 1; i >= 0 && len(latest) < limit; i-- {
		latest = append(latest, all[i])
	}
	return latest, nil
}

// CancelMove ends a task, durably, and returns how it ended. What was moved stays where it is. Errors: ErrNotFound,
// ErrTaskNotFound, ErrTaskEnded.
func (s *Service) CancelMove(ctx context.Context, source Name, id string) (Task, error) {
	t, err := s.cancelMove(ctx, source, id)
	if err != nil {
		return Task{}, fmt.Errorf("cancel the move of %s: %w", source, err)
	}
	return t, nil
}

func (s *Service) cancelMove(ctx context.Context, source Name, id string) (Task, error) {
	q, err := s.find(source)
	if err != nil {
		return Task{}, err
	}
	release, err := q.changeTask(ctx)
	if err != nil {
		return Task{}, err
	}
	defer release()
	q.mu.Lock()
	t := q.task
	q.mu.Unlock()
	if t == nil || t.ID != id {
		all, _, err := s.tasksOf(ctx, q)
		for _, t := range all {
			if t.ID == id {
				return Task{}, ErrTaskEnded
			}
		}
		return Task{}, errors.Join(err, ErrTaskNotFound)
	}
	return q.taskNow(t), s.endTask(ctx, q, t, TaskCancelled, "")
}

// changeTask admits one change of a queue's task at a time, when it is known what became of those before.
func (q *queue) changeTask(ctx context.Context) (release func(), err error) {
	select {
	case q.tasking <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := q.certain(ctx); err != nil {
		<-q.tasking
		return nil, err
	}
	return func() { <-q.tasking }, nil
}

// endTask writes down how a task ended.
func (s *Service) endTask(ctx context.Context, q *queue, t *task, status TaskStatus, failure string) error {
	ended := q.taskNow(t)
	ended.Status, ended.Failure = status, failure
	err := s.tasks.Put(context.WithoutCancel(ctx), t.key, ended, 0)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.doubtLocked(err, func(ctx context.Context) error { return s.rereadTask(ctx, q) })
		return fmt.Errorf("end a move: %w", err)
	}
	q.task = nil
	return nil
}

// work does one step of the queue's task, if there is one and its time has come.
func (s *Service) work(ctx context.Context, q *queue) error {
	release, err := q.changeTask(ctx)
	if err != nil {
		return err
	}
	defer release()
	q.mu.Lock()
	t, now := q.task, q.now()
	q.mu.Unlock()
	if t == nil {
		return nil
	}
	if now >= t.next {
		failure, done, err := s.step(ctx, q, t)
		switch {
		case err != nil:
			return err
		case failure != "":
			return s.endTask(ctx, q, t, TaskFailed, failure)
		case done:
			return s.endTask(ctx, q, t, TaskCompleted, "")
		}
	}
	q.chores.set(q, max(now, t.next))
	return nil
}

// step moves a few messages. A task is done when none is in sight: those in flight stay.
func (s *Service) step(ctx context.Context, q *queue, t *task) (failure string, done bool, _ error) {
	batch, err := q.drawToMove(ctx, t)
	if err != nil || len(batch) == 0 {
		return "", err == nil, err
	}
	m, err := q.pack(ctx, batch)
	if err != nil {
		return "", false, err
	}
	for len(m.batch) > 0 {
		to, n, failure := s.destination(t, m.drafts)
		if failure != "" {
			q.release(m.batch, false)
			return failure, false, nil
		}
		part := &move{from: q, batch: m.batch[:n], drafts: m.drafts[:n]}
		m.batch, m.drafts = m.batch[n:], m.drafts[n:]
		if err := s.moveOn(ctx, t, part, to); err != nil {
			q.release(m.batch, false)
			if errors.Is(err, ErrNotFound) {
				return failureNoQueue, false, nil
			}
			return "", false, err
		}
	}
	return "", false, nil
}

// drawToMove takes messages out of sight for a task, as many as may be at its rate, and says when it may go on.
func (q *queue) drawToMove(ctx context.Context, t *task) ([]*entry, error) {
	for {
		n := MaxReceive
		if t.Rate > 0 {
			n = min(n, t.Rate)
		}
		q.mu.Lock()
		now := q.now()
		batch := q.drawLocked(now, n, false)
		for _, e := range batch {
			q.holdLocked(e)
		}
		if t.Rate > 0 {
			t.next = now + int64(time.Second/time.Millisecond)*int64(len(batch))/int64(t.Rate)
		}
		dry := len(batch) == 0 && q.dryLocked()
		q.mu.Unlock()
		if !dry {
			return batch, nil
		}
		if err := q.readOn(ctx); err != nil {
			return nil, err
		}
	}
}

// destination finds the queue to which the first of the drafts go, and how many of them, up to one that goes elsewhere.
func (s *Service) destination(t *task, drafts []draft) (to *queue, n int, failure string) {
	address := t.Destination
	for n < len(drafts) && (t.Destination != "" || drafts[n].source == drafts[0].source) {
		n++
	}
	if address == "" {
		address = drafts[0].source
	}
	name, err := ParseARN(address)
	if err != nil {
		return nil, 0, failureNoSource
	}
	if to, err = s.find(name); err != nil {
		return nil, 0, failureNoQueue
	}
	return to, n, ""
}

// moveOn moves messages as new ones, and counts them in the same commit.
func (s *Service) moveOn(ctx context.Context, t *task, m *move, to *queue) error {
	for i := range m.drafts {
		id, err := uuid.NewRandom()
		if err != nil {
			m.from.release(m.batch, false)
			return fmt.Errorf("make a message id: %w", err)
		}
		d := &m.drafts[i]
		d.id, d.source, d.count, d.first = id, "", 0, 0
	}
	if err := to.certain(ctx); err != nil { // or it is not known how many were moved before
		m.from.release(m.batch, false)
		return err
	}
	after := m.from.taskNow(t)
	after.Moved += int64(len(m.batch))
	m.recount = func(ctx context.Context) error { return s.recount(ctx, m.from, t) }
	write, err := s.tasks.Write(t.key, after, 0)
	if err != nil {
		m.from.release(m.batch, false)
		return err
	}
	if err := m.to(ctx, to, write); err != nil {
		return err
	}
	m.from.mu.Lock()
	defer m.from.mu.Unlock()
	t.Moved = after.Moved
	return nil
}

// taskNow is a task as it stands.
func (q *queue) taskNow(t *task) Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	return t.Task
}

// loadTasks takes up, after a start, the tasks that were under way.
func (s *Service) loadTasks(ctx context.Context) error {
	byNumber := make(map[uint64]*queue, len(s.queues))
	for _, q := range s.queues {
		byNumber[q.number] = q
	}
	for item, err := range s.tasks.Scan(ctx, "") {
		if err != nil {
			return fmt.Errorf("read moves: %w", err)
		}
		if len(item.Key) != 16 {
			return fmt.Errorf("read moves: %w: key %q", store.ErrCorrupt, item.Key)
		}
		if q := byNumber[parseQueuePrefix(item.Key)]; q != nil && item.Value.Status == TaskRunning {
			q.task = &task{Task: item.Value, key: item.Key}
			s.chores.set(q, 0)
		}
	}
	return nil
}
