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
// A write is late when what it holds is decided in the apply stage. It stays in the queue as long as a sync is under way:
// what is added to it until then would miss that sync anyway. When the disk comes to rest and those that are durable now
// are answered, all late writes are applied together, by the goroutine that was waiting for the disk, which needs no other
// to be woken. A put that comes at any moment waits for the end of the sync under way and for one more, however many logs
// there are.
//
// Two invariants carry the rest:
//
//   - Writes become durable in the order of the queue. Pebble's log is one sequence; a write is durable only if all
//     before it are. So of writes that are applied together only the last asks for a sync.
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
	// late says that prepare decides what the write holds.
	late bool
	// place, if set, runs under Store.mu at the moment when the write's place in the order is fixed; its error answers the
	// write, which is then not queued. fill, if set, makes the batch after that, and then filled is closed.
	place, fill func() error
	filled      chan struct{}

	number uint64 // given in the apply stage; 0 when Pebble was not given anything

	bytes int64 // held of the gate
	done  chan struct{}
	err   error // set before done is closed
}

// submit sends the write through the pipeline and waits for its end.
func (s *Store) submit(ctx context.Context, w *write) error {
	w.done = make(chan struct{})
	full := s.guard.alarmed()
	if err := s.gate.enter(ctx, w.bytes, s.failed, full); err != nil {
		if errors.Is(err, errFailed) {
			return s.failure()
		}
		return err
	}
	if err := s.enqueue(w); err != nil {
		s.gate.leave(w.bytes)
		return err
	}
	if w.fill != nil {
		w.err = w.fill()
		close(w.filled)
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

func (s *Store) enqueue(w *write) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.place != nil {
		if err := w.place(); err != nil {
			return err
		}
	}
	s.push(w)
	return nil
}

// push puts the write into the queue. The caller holds Store.mu.
func (s *Store) push(w *write) {
	s.toApply = append(s.toApply, w)
	s.startApplying()
}

// startApplying has a goroutine apply what is ripe, if none does. The caller holds Store.mu.
func (s *Store) startApplying() {
	if !s.applying && s.ripe() > 0 {
		s.applying = true
		s.workers.Add(1)
		go s.applyAll()
	}
}

// ripe returns how many of the queue's first writes can be applied now, and together. The caller holds Store.mu.
func (s *Store) ripe() int {
	for i, w := range s.toApply {
		switch {
		case w.late && s.unsynced > 0:
			return i
		case w.filled != nil: // a large one, which goes by itself
			return max(i, 1)
		}
	}
	return len(s.toApply)
}

// follow sends a write through the pipeline that nobody waits for: deletions of what a durable change before it made
// invisible. The caller holds Store.mu.
func (s *Store) follow(batch *pebble.Batch, publish func()) {
	s.push(&write{batch: batch, publish: publish, done: make(chan struct{})})
}

// applyAll is the apply stage. It ends when nothing in its queue is ripe.
func (s *Store) applyAll() {
	defer s.workers.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := s.ripe(); n > 0; n = s.ripe() {
		s.applyFirst(n)
	}
	s.applying = false
}

// applyFirst applies some of the queue's first writes, at most n, and sends them on to be synced. The caller holds
// Store.mu, which is released meanwhile, and has set Store.applying.
func (s *Store) applyFirst(n int) {
	r := new(round)
	var held *write // the last one so far: whether it is to ask for the sync is not known yet
	for bytes := 0; n > 0 && bytes < maxBytesTogether; n-- {
		w := s.toApply[0]
		s.toApply[0] = nil
		s.toApply = s.toApply[1:]
		s.mu.Unlock()
		r.writes = append(r.writes, w)
		if w.filled != nil {
			<-w.filled
		}
		if w.err == nil {
			w.err = s.prepare(w)
		}
		if w.err == nil && !w.batch.Empty() {
			bytes += w.batch.Len()
			s.hand(held, pebble.NoSync)
			held = w
		}
		s.mu.Lock()
	}
	if len(s.toApply) == 0 {
		s.toApply = nil
	}
	s.mu.Unlock()
	s.hand(held, pebble.Sync)
	r.last = held
	s.mu.Lock()
	s.unsynced++
	s.toSync = append(s.toSync, r)
	if !s.syncing {
		s.syncing = true
		s.workers.Add(1)
		go s.syncAll()
	}
}

// round is writes that were applied together.
type round struct {
	writes []*write
	last   *write // the one that asked for the sync; nil when all were refused
}

// prepare completes one write. A write that is refused here still goes through the sync stage: what made it fail may not
// be durable yet, and an answer must not rest on what a crash can take back.
func (s *Store) prepare(w *write) (err error) {
	defer s.catch(&err)
	if err := s.failure(); err != nil {
		return err
	}
	if w.prepare == nil {
		return nil
	}
	return w.prepare(w.batch)
}

// hand gives one write to Pebble, unless it is nil.
func (s *Store) hand(w *write, how *pebble.WriteOptions) {
	if w == nil {
		return
	}
	defer s.catch(&w.err)
	s.applied++
	w.number = s.applied
	if err := w.batch.LogData(logMark(w.number, s.durable.Load()), nil); err != nil {
		w.err = s.fail(fmt.Errorf("mark: %w", err))
		return
	}
	var err error
	if how.Sync {
		err = s.db.ApplyNoSyncWait(w.batch, how)
	} else {
		err = s.db.Apply(w.batch, how)
	}
	if err != nil {
		w.err = s.fail(fmt.Errorf("apply: %w", err))
		return
	}
	w.err = s.failure()
}

// catch makes a panic of Pebble's a failure. It panics when its log fails under it. The file system below answers for such
// failures before Pebble sees them, so this is the second line: the store stops writing, the process lives.
func (s *Store) catch(err *error) {
	if cause := recover(); cause != nil {
		*err = s.fail(fmt.Errorf("pebble panicked: %v\n%s", cause, debug.Stack()))
		s.broken.Store(true)
	}
}

// syncAll is the sync stage. It ends when its queue is empty.
func (s *Store) syncAll() {
	defer s.workers.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.toSync) > 0 {
		r := s.toSync[0]
		s.toSync[0] = nil
		s.toSync = s.toSync[1:]
		s.mu.Unlock()
		s.awaitSync(r)
		s.mu.Lock()
		s.unsynced--
		s.finish(r)
		s.applyLate()
	}
	s.toSync, s.syncing = nil, false
}

// applyLate applies the writes that waited for the disk to come to rest. The caller holds Store.mu.
func (s *Store) applyLate() {
	if !s.applying && len(s.toApply) > 0 && s.toApply[0].late && s.unsynced == 0 {
		s.applying = true
		s.applyFirst(s.ripe())
		s.applying = false
	}
	s.startApplying()
}

// awaitSync returns when the writes are durable, or will not be.
func (s *Store) awaitSync(r *round) {
	if r.last == nil {
		return
	}
	err := r.last.err
	if err == nil {
		if err = r.last.batch.SyncWait(); err != nil {
			err = s.fail(fmt.Errorf("sync: %w", err))
		} else if err = s.failure(); err == nil { // what the disk said after the failure does not count
			s.durable.Store(r.last.number)
		}
	}
	for _, w := range r.writes {
		if w.err == nil && err != nil {
			w.err = err
		}
		if w.err == nil && w.number > 0 {
			_ = w.batch.Close() // gives its memory back
		}
	}
}

// finish shows the writes to readers and answers them. The caller holds Store.mu, which is released meanwhile.
func (s *Store) finish(r *round) {
	for _, w := range r.writes {
		if w.err == nil && w.publish != nil {
			w.publish()
		}
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	for _, w := range r.writes {
		s.gate.leave(w.bytes)
		close(w.done)
	}
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
