package disk

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// logState is what is kept in memory of a log that was touched since the store was opened. All but ready and err are
// guarded by Store.mu.
type logState struct {
	ready chan struct{} // closed once the state is loaded
	err   error         // set before ready is closed

	first   uint64 // lowest durable block, durable+1 when there is none
	durable uint64 // highest ordinal that readers may see, or that ever was durable
	last    uint64 // highest ordinal given out, durable or not
	dropped bool
}

// Append implements store.Blocks.
func (s *Store) Append(ctx context.Context, log store.LogID, data []byte) (uint64, error) {
	ordinal, err := s.append(ctx, log, data)
	if err != nil {
		return 0, fmt.Errorf("append %d bytes to log %s: %w", len(data), logName(log), err)
	}
	return ordinal, nil
}

func (s *Store) append(ctx context.Context, log store.LogID, data []byte) (uint64, error) {
	if len(data) > store.MaxBlock {
		return 0, store.ErrTooLarge
	}
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	if err := s.space.admit(int64(len(data))); err != nil {
		return 0, err
	}
	st, err := s.logState(ctx, log)
	if err != nil {
		return 0, err
	}

	batch := s.db.NewBatch()
	slot := batch.SetDeferred(blockKeyLen, sealLen+len(data))
	copy(slot.Value[sealLen:], data)
	sum := bodySum(data)

	var ordinal uint64
	w := &write{
		batch: batch,
		bytes: int64(batch.Len()),
		publish: func() {
			if st.first > st.durable {
				st.first = ordinal
			}
			st.durable = ordinal
		},
	}
	err = s.submit(ctx, w, func() error {
		if st.dropped {
			return fmt.Errorf("log was dropped: %w", store.ErrNotFound)
		}
		// The place in the log is the place in the queue, so ordinals become durable in their order.
		st.last++
		ordinal = st.last
		copy(slot.Key, blockKey(log, ordinal))
		putSeal(slot.Value, sum, slot.Key)
		return slot.Finish()
	})
	return ordinal, err
}

// ReadBlocks implements store.Blocks.
func (s *Store) ReadBlocks(ctx context.Context, log store.LogID, from uint64) iter.Seq2[store.Block, error] {
	return func(yield func(store.Block, error) bool) {
		if err := s.readBlocks(ctx, log, from, yield); err != nil {
			yield(store.Block{}, fmt.Errorf("read log %s from block %d: %w", logName(log), from, err))
		}
	}
}

func (s *Store) readBlocks(ctx context.Context, log store.LogID, from uint64, yield func(store.Block, error) bool) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	st, err := s.logState(ctx, log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	bounds := store.Bounds{First: st.first, Last: st.durable}
	s.mu.Unlock()
	if from = max(from, bounds.First); from > bounds.Last {
		return nil
	}
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{
		LowerBound: blockKey(log, from),
		UpperBound: blockKey(log, bounds.Last+1),
	})
	if err != nil {
		return readError(err)
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		ordinal := ordinalOf(it.Key())
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("block %d: %w", ordinal, readError(err))
		}
		data, err := unseal(it.Key(), value)
		if err != nil {
			return fmt.Errorf("block %d: %w: %w", ordinal, store.ErrCorrupt, err)
		}
		if !yield(store.Block{Ordinal: ordinal, Data: data}, nil) {
			return nil
		}
	}
	return readError(it.Error())
}

// Bounds implements store.Blocks.
func (s *Store) Bounds(ctx context.Context, log store.LogID) (store.Bounds, error) {
	if err := s.enter(); err != nil {
		return store.Bounds{}, fmt.Errorf("bounds of log %s: %w", logName(log), err)
	}
	defer s.leave()
	st, err := s.logState(ctx, log)
	if err != nil {
		return store.Bounds{}, fmt.Errorf("bounds of log %s: %w", logName(log), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return store.Bounds{First: st.first, Last: st.durable}, nil
}

// Trim implements store.Blocks.
func (s *Store) Trim(ctx context.Context, log store.LogID, before uint64) error {
	if err := s.trim(ctx, log, before); err != nil {
		return fmt.Errorf("trim log %s before block %d: %w", logName(log), before, err)
	}
	return nil
}

func (s *Store) trim(ctx context.Context, log store.LogID, before uint64) error {
	if err := s.enter(); err != nil {
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
	first, durable := st.first, st.durable
	s.mu.Unlock()
	// A block that is not durable yet is none to trim.
	if before = min(before, durable+1); before <= first {
		return nil
	}
	newFirst, err := s.firstBlock(log, before, durable)
	if err != nil {
		return err
	}

	batch := s.db.NewBatch()
	if err := batch.DeleteRange(blockKey(log, 0), blockKey(log, before), nil); err != nil {
		return err
	}
	key := trimKey(log)
	if err := batch.Set(key, sealedUint64(key, durable), nil); err != nil {
		return err
	}
	w := &write{batch: batch, bytes: int64(batch.Len()), publish: func() {
		if newFirst <= durable {
			st.first = max(st.first, newFirst)
		} else if st.first <= durable {
			// All that was there is gone. What was appended since begins after it.
			st.first = durable + 1
		}
	}}
	return s.submit(ctx, w, func() error {
		if st.dropped {
			return fmt.Errorf("log was dropped: %w", store.ErrNotFound)
		}
		return nil
	})
}

// DropLogs implements store.Blocks.
func (s *Store) DropLogs(ctx context.Context, stream uint64) error {
	if err := s.dropLogs(ctx, stream); err != nil {
		return fmt.Errorf("drop the logs of stream %d: %w", stream, err)
	}
	return nil
}

func (s *Store) dropLogs(ctx context.Context, stream uint64) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if err := s.space.admitRelief(); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	for _, space := range []byte{spaceBlocks, spaceTrims} {
		from := appendStreamKey(nil, space, stream)
		if err := batch.DeleteRange(from, after(from), nil); err != nil {
			return err
		}
	}
	// From its place in the queue on, nothing must load what is about to vanish: a log asked for meanwhile waits.
	gone := make(chan struct{})
	end := func() {
		if s.drops[stream] == gone {
			delete(s.drops, stream)
		}
		close(gone)
	}
	w := &write{batch: batch, bytes: int64(batch.Len()), publish: end, abandon: end}
	return s.submit(ctx, w, func() error {
		for log, st := range s.logs {
			if log.Stream == stream {
				st.dropped = true
				delete(s.logs, log)
			}
		}
		s.drops[stream] = gone
		return nil
	})
}

// logState returns the state of a log, and loads it when the log is touched for the first time.
func (s *Store) logState(ctx context.Context, log store.LogID) (*logState, error) {
	for {
		s.mu.Lock()
		if gone := s.drops[log.Stream]; gone != nil {
			s.mu.Unlock()
			select {
			case <-gone:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-s.failed:
				return nil, s.failure()
			}
		}
		st, found := s.logs[log]
		if !found {
			st = &logState{ready: make(chan struct{})}
			s.logs[log] = st
		}
		s.mu.Unlock()
		if !found {
			s.loadLog(log, st)
		}
		select {
		case <-st.ready:
			return st, st.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// loadLog fills in a log's state from the disk. No write to the log can be under way: each needs the state first.
func (s *Store) loadLog(log store.LogID, st *logState) {
	bounds, err := s.loadBounds(log)
	s.mu.Lock()
	st.first, st.durable, st.last, st.err = bounds.First, bounds.Last, bounds.Last, err
	if err != nil && s.logs[log] == st {
		delete(s.logs, log) // the next caller tries again
	}
	s.mu.Unlock()
	close(st.ready)
}

func (s *Store) loadBounds(log store.LogID) (store.Bounds, error) {
	trimmed, err := s.getUint64(trimKey(log))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Bounds{}, fmt.Errorf("last trim: %w", err)
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: blockKey(log, 0), UpperBound: after(blockKey(log, 0)[:logKeyLen])})
	if err != nil {
		return store.Bounds{}, readError(err)
	}
	defer func() { _ = it.Close() }()
	if !it.Last() {
		return store.Bounds{First: trimmed + 1, Last: trimmed}, readError(it.Error())
	}
	bounds := store.Bounds{Last: max(trimmed, ordinalOf(it.Key()))}
	if it.First() {
		bounds.First = ordinalOf(it.Key())
	}
	return bounds, readError(it.Error())
}

// firstBlock returns the lowest ordinal in [from, to], or to+1 when there is none.
func (s *Store) firstBlock(log store.LogID, from, to uint64) (uint64, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: blockKey(log, from), UpperBound: blockKey(log, to+1)})
	if err != nil {
		return 0, readError(err)
	}
	defer func() { _ = it.Close() }()
	if it.First() {
		return ordinalOf(it.Key()), nil
	}
	return to + 1, readError(it.Error())
}

// getUint64 reads a sealed number.
func (s *Store) getUint64(key []byte) (uint64, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, store.ErrNotFound
	}
	if err != nil {
		return 0, readError(err)
	}
	defer func() { _ = closer.Close() }()
	n, err := unsealUint64(key, value)
	if err != nil {
		return 0, fmt.Errorf("key %x: %w: %w", key, store.ErrCorrupt, err)
	}
	return n, nil
}

func logName(log store.LogID) string { return fmt.Sprintf("%d/%d", log.Stream, log.Shard) }
