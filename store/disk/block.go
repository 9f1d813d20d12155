package disk

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// ReadBlocks implements store.Blocks.
func (s *Store) ReadBlocks(ctx context.Context, log store.LogID, from uint64) iter.Seq2[store.Block, error] {
	return func(yield func(store.Block, error) bool) {
		if err := s.readBlocks(ctx, log, from, yield); err != nil {
			yield(store.Block{}, fmt.Errorf("read log %s from block %d: %w", logName(log), from, err))
		}
	}
}

func (s *Store) readBlocks(ctx context.Context, log store.LogID, from uint64, yield func(store.Block, error) bool) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	st, err := s.logState(ctx, log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	bounds := st.bounds()
	s.mu.Unlock()
	if from = max(from, bounds.First); from > bounds.Last {
		return nil
	}
	at, err := s.newCursor(blockKey(log, from), blockKey(log, bounds.Last+1))
	if err != nil {
		return err
	}
	defer at.close()
	for ok := at.first(); ok; ok = at.next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		ordinal := ordinalOf(at.key())
		value, err := at.value()
		if err != nil {
			return fmt.Errorf("block %d: %w", ordinal, err)
		}
		data, err := unseal(at.key(), value)
		if err != nil {
			return fmt.Errorf("block %d: %w: %w", ordinal, store.ErrCorrupt, err)
		}
		if !yield(store.Block{Ordinal: ordinal, Data: data}, nil) {
			return nil
		}
	}
	return at.err
}

// Bounds implements store.Blocks.
func (s *Store) Bounds(ctx context.Context, log store.LogID) (store.Bounds, error) {
	if err := s.enter(ctx); err != nil {
		return store.Bounds{}, fmt.Errorf("bounds of log %s: %w", logName(log), err)
	}
	defer s.leave()
	st, err := s.logState(ctx, log)
	if err != nil {
		return store.Bounds{}, fmt.Errorf("bounds of log %s: %w", logName(log), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return st.bounds(), nil
}

// Trim implements store.Blocks.
func (s *Store) Trim(ctx context.Context, log store.LogID, before uint64) error {
	if err := s.trim(ctx, log, before); err != nil {
		return fmt.Errorf("trim log %s before block %d: %w", logName(log), before, err)
	}
	return nil
}

// trim works in two steps, because Pebble hides what is deleted before that is durable: first a note of where the log
// begins, then, when readers go by that, the deletion. A crash in between leaves blocks that nobody sees, and that the
// next trim deletes.
func (s *Store) trim(ctx context.Context, log store.LogID, before uint64) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.space.admitRelief(); err != nil {
		return err
	}
	st, err := s.logState(ctx, log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	bounds := st.bounds()
	s.mu.Unlock()
	// A block that is not durable yet is none to trim.
	before = min(before, bounds.Last+1)
	if before <= bounds.First {
		return nil
	}
	first, err := s.firstBlock(log, before, bounds.Last)
	if err != nil {
		return err
	}
	w := &write{batch: s.db.NewBatch()}
	w.prepare = func(note *pebble.Batch) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := st.checkLive(); err != nil {
			return err
		}
		// A note never goes back behind an earlier one, in whatever order trims come.
		first = max(first, st.noted)
		st.noted = first
		key := trimKey(log)
		return note.Set(key, sealedNumbers(key, first, st.durable), nil)
	}
	w.publish = func() {
		st.first = max(st.first, first)
		deletion := s.db.NewBatch()
		if err := deletion.DeleteRange(blockKey(log, 0), blockKey(log, first), nil); err == nil {
			s.follow(deletion, nil) // a batch of our making has no errors; and if it had, the next trim would do
		}
	}
	return s.submit(ctx, w)
}

// DropLogs implements store.Blocks.
func (s *Store) DropLogs(ctx context.Context, stream uint64) error {
	if err := s.dropLogs(ctx, stream); err != nil {
		return fmt.Errorf("drop the logs of stream %d: %w", stream, err)
	}
	return nil
}

// dropLogs works in two steps, as trim does. The deletion of a stream that was dropped before a crash is done when the
// store is opened.
func (s *Store) dropLogs(ctx context.Context, stream uint64) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.space.admitRelief(); err != nil {
		return err
	}
	note, deletion := s.db.NewBatch(), s.db.NewBatch()
	key := dropKey(stream)
	if err := errors.Join(note.Set(key, sealed(key, nil), nil), deleteLogs(deletion, stream)); err != nil {
		return err
	}
	w := &write{batch: note, bytes: int64(note.Len()), publish: func() {
		for log, st := range s.logs {
			if log.Stream == stream {
				st.dropped = true
				delete(s.logs, log)
			}
		}
		s.dropped[stream]++
		s.follow(deletion, func() {
			if s.dropped[stream]--; s.dropped[stream] == 0 {
				delete(s.dropped, stream)
			}
		})
	}}
	return s.submit(ctx, w)
}

// deleteLogs adds to a batch what is left to do after the logs of a stream were dropped.
func deleteLogs(batch *pebble.Batch, stream uint64) error {
	for _, space := range []byte{spaceBlocks, spaceTrims} {
		from := appendStreamKey(nil, space, stream)
		if err := batch.DeleteRange(from, after(from), nil); err != nil {
			return err
		}
	}
	return batch.Delete(dropKey(stream), nil)
}

// deleteDropped adds to a batch the deletion of all logs that were dropped and, for a crash, not deleted.
func (s *Store) deleteDropped(batch *pebble.Batch) error {
	at, err := s.newCursor([]byte{spaceDrops}, []byte{spaceDrops + 1})
	if err != nil {
		return err
	}
	defer at.close()
	for ok := at.first(); ok; ok = at.next() {
		value, err := at.value()
		if err != nil {
			return err
		}
		if _, err := unseal(at.key(), value); err != nil || len(at.key()) != streamKeyLen {
			return fmt.Errorf("key %x: %w", at.key(), store.ErrCorrupt)
		}
		if err := deleteLogs(batch, streamOf(at.key())); err != nil {
			return err
		}
	}
	return at.err
}
