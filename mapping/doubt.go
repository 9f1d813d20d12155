package mapping

import (
	"context"
	"errors"
	"time"

	"github.com/millrace/millrace/store"
)

// settleEvery is how often it is tried to settle doubts while there are some.
const settleEvery = time.Second

// doubt notes what the commit of a mapping's row failed with. If it may have happened, memory goes on as if it had not,
// until it is known.
func (s *Service) doubt(uuid string, err error) {
	if store.InDoubt(err) {
		s.doubts.Add(uuid, func(ctx context.Context) error { return s.reread(ctx, uuid) })
		s.lookAgain()
	}
}

// reread takes in what the store has of a mapping: one that is new, or one that was changed. Rows are removed by the
// runner alone.
func (s *Service) reread(ctx context.Context, uuid string) error {
	stored, _, err := s.table.rows.Get(ctx, uuid)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	s.mu.RLock()
	e := s.entries[uuid]
	s.mu.RUnlock()
	if e != nil {
		if stored, err = s.table.open(ctx, stored); err == nil {
			e.catchUp(stored)
		}
		return err
	}
	if e, err = s.table.entry(ctx, stored); err == nil {
		s.add(e)
	}
	return err
}

// settleDoubts settles what it can and reports whether something is still in doubt.
func (s *Service) settleDoubts(ctx context.Context) bool {
	if err := s.doubts.SettleAll(ctx, ""); err != nil && ctx.Err() == nil {
		s.config.Log.Warn("doubt cannot be settled yet", "error", err)
	}
	return len(s.doubts.Open()) > 0
}
