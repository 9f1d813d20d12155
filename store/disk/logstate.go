package disk

import (
	"context"
	"errors"
	"fmt"

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
	noted   uint64 // the first block as of the newest trim under way
	dropped bool
}

// bounds returns the log's bounds as readers see them. The caller holds Store.mu.
func (st *logState) bounds() store.Bounds { return store.Bounds{First: st.first, Last: st.durable} }

// checkLive refuses to write to a dropped log. The caller holds Store.mu.
func (st *logState) checkLive() error {
	if st.dropped {
		return fmt.Errorf("the log was dropped: %w", store.ErrNotFound)
	}
	return nil
}

// logState returns the state of a log, and loads it when the log is touched for the first time.
func (s *Store) logState(ctx context.Context, log store.LogID) (*logState, error) {
	s.mu.Lock()
	st, found := s.logs[log]
	if !found {
		st = &logState{ready: make(chan struct{}), first: 1}
		s.logs[log] = st
		if s.dropped[log.Stream] > 0 {
			// What Pebble still has of the stream is on its way out, ahead of all that may be appended now.
			found = true
			close(st.ready)
		}
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
	bounds := store.Bounds{First: 1}
	trim, err := s.getNumbers(trimKey(log), 2)
	switch {
	case err == nil:
		bounds = store.Bounds{First: trim[0], Last: trim[1]}
	case !errors.Is(err, store.ErrNotFound):
		return bounds, fmt.Errorf("last trim: %w", err)
	}
	at, err := s.newCursor(blockKey(log, bounds.First), after(appendLogKey(nil, spaceBlocks, log)))
	if err != nil {
		return bounds, err
	}
	defer at.close()
	if at.last() {
		bounds.Last = max(bounds.Last, ordinalOf(at.key()))
	}
	if at.first() {
		bounds.First = ordinalOf(at.key())
	}
	return bounds, at.err
}

// firstBlock returns the lowest ordinal in [from, to], or to+1 when there is none.
func (s *Store) firstBlock(log store.LogID, from, to uint64) (uint64, error) {
	at, err := s.newCursor(blockKey(log, from), blockKey(log, to+1))
	if err != nil {
		return 0, err
	}
	defer at.close()
	if at.first() {
		return ordinalOf(at.key()), nil
	}
	return to + 1, at.err
}

func logName(log store.LogID) string { return fmt.Sprintf("%d/%d", log.Stream, log.Shard) }
