package disk

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// All writes of the store pass through one pipeline of three stages, in one order:
//
//	submit   the caller's goroutine: encode, wait for room, take the next place in the queue
//	apply    one goroutine: check preconditions, hand the batch to Pebble without waiting for the disk
//	sync     one goroutine: wait until the disk has it, publish it to readers, answer the caller
//
// While one sync is under way, the batches applied meanwhile gather in Pebble's log and share the next one: that is the
// group commit, and it needs no timer. The two goroutines exist only while there is something to write, so an idle
// store has none. Callers never block inside Pebble themselves, so their contexts are respected on a disk that hangs.
//
// Two invariants carry the rest:
//
//   - Writes become durable in the order of the queue. Pebble's log is one sequence; a write is durable only if all
//     before it are.
//   - Readers are shown a write by its publish function, which runs after the sync and under Store.mu.

// errUncertain answers writes that were taken in before the disk was full. They are in the queue still, and will be
// durable if there is room before the process ends.
var errUncertain = errors.New("the disk filled up while the write was under way: whether it happens is not known yet")

// write is one change on its way through the pipeline.
type write struct {
	batch *pebble.Batch
	// prepare runs in the apply stage, in order: it checks preconditions and may still add to the batch. An error
	// answers the write, and nothing of it is applied.
	prepare func(*pebble.Batch) error
	// publish, if set, runs under Store.mu once the write is durable.
	publish func()

	number uint64 // given in the apply stage

	bytes int64 // held of the gate
	done  chan struct{}
	err   error // set before done is closed
}

// submit sends the write through the pipeline and waits for its end. enqueue, if given, runs under Store.mu at the
// moment when the write's place in the order is fixed.
func (s *Store) submit(ctx context.Context, w *write, enqueue func() error) error {
	w.done = make(chan struct{})
	full := s.guard.alarmed()
	if err := s.gate.enter(ctx, w.bytes, s.failed, full); err != nil {
		if errors.Is(err, errFailed) {
			return s.failure()
		}
		return err
	}
	if err := s.enqueue(w, enqueue); err != nil {
		s.gate.leave(w.bytes)
		return err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	case <-full:
		return errUncertain
	case <-s.failed:
	}
	select {
	case <-w.done:
		return w.err
	default:
		return s.failure()
	}
}

func (s *Store) enqueue(w *write, enqueue func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if enqueue != nil {
		if err := enqueue(); err != nil {
			return err
		}
	}
	s.push(w)
	return nil
}

// push puts the write into the queue. The caller holds Store.mu.
func (s *Store) push(w *write) {
	s.toApply = append(s.toApply, w)
	if !s.applying {
		s.applying = true
		s.workers.Add(1)
		go s.applyAll()
	}
}

// follow sends a write through the pipeline that nobody waits for: deletions of what a durable change before it made
// invisible. The caller holds Store.mu.
func (s *Store) follow(batch *pebble.Batch, publish func()) {
	s.push(&write{batch: batch, publish: publish, done: make(chan struct{})})
}

// applyAll is the apply stage. It ends when its queue is empty.
func (s *Store) applyAll() {
	defer s.workers.Done()
	for {
		s.mu.Lock()
		if len(s.toApply) == 0 {
			s.toApply, s.applying = nil, false
			s.mu.Unlock()
			return
		}
		w := s.toApply[0]
		s.toApply[0] = nil
		s.toApply = s.toApply[1:]
		s.mu.Unlock()

		w.err = s.apply(w)

		s.mu.Lock()
		s.toSync = append(s.toSync, w)
		if !s.syncing {
			s.syncing = true
			s.workers.Add(1)
			go s.syncAll()
		}
		s.mu.Unlock()
	}
}

// apply hands one write to Pebble. A write that is refused here still goes through the sync stage: what made it fail
// may not be durable yet, and an answer must not rest on what a crash can take back.
func (s *Store) apply(w *write) (err error) {
	// Pebble panics when its log fails under it. The file system below answers for such failures before Pebble sees
	// them, so this is the second line: the store stops writing, the process lives.
	defer func() {
		if r := recover(); r != nil {
			err = s.fail(fmt.Errorf("pebble panicked: %v\n%s", r, debug.Stack()))
			s.broken.Store(true)
		}
	}()
	if err := s.failure(); err != nil {
		return err
	}
	if w.prepare != nil {
		if err := w.prepare(w.batch); err != nil {
			return err
		}
	}
	if w.batch.Empty() {
		return nil
	}
	s.applied++
	w.number = s.applied
	if err := w.batch.LogData(logMark(w.number, s.durable.Load()), nil); err != nil {
		return s.fail(fmt.Errorf("mark: %w", err))
	}
	if err := s.db.ApplyNoSyncWait(w.batch, pebble.Sync); err != nil {
		return s.fail(fmt.Errorf("apply: %w", err))
	}
	return s.failure()
}

// syncAll is the sync stage. It ends when its queue is empty.
func (s *Store) syncAll() {
	defer s.workers.Done()
	for {
		s.mu.Lock()
		if len(s.toSync) == 0 {
			s.toSync, s.syncing = nil, false
			s.mu.Unlock()
			return
		}
		w := s.toSync[0]
		s.toSync[0] = nil
		s.toSync = s.toSync[1:]
		s.mu.Unlock()

		s.finish(w)
	}
}

// finish waits until the write is durable, shows it to readers, and answers it.
func (s *Store) finish(w *write) {
	if w.err == nil && !w.batch.Empty() {
		if err := w.batch.SyncWait(); err != nil {
			w.err = s.fail(fmt.Errorf("sync: %w", err))
		} else if err := s.failure(); err != nil {
			w.err = err // what the disk said after the failure does not count
		} else {
			s.durable.Store(w.number)
			_ = w.batch.Close() // gives its memory back
		}
	}
	s.mu.Lock()
	if w.err == nil && w.publish != nil {
		w.publish()
	}
	s.mu.Unlock()
	s.gate.leave(w.bytes)
	close(w.done)
}

// fail stops all writing for good: err is the answer to every write from now on. Reads go on.
func (s *Store) fail(err error) error {
	s.failOnce.Do(func() {
		s.failCause = err
		s.failErr = fmt.Errorf("store: writing stopped, reopen to go on: %w", err)
		s.log.Error("store: writing stopped", "err", err)
		close(s.failed)
	})
	return s.failErr
}

// failure returns what stopped the writing, or nil.
func (s *Store) failure() error {
	select {
	case <-s.failed:
		return s.failErr
	default:
		return nil
	}
}

// readError gives an error from Pebble the store's words.
func readError(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return err
}
