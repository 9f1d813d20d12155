package mapping

import (
	"context"
	"errors"

	"github.com/millrace/millrace/store"
)

// Delete ends a mapping and returns it as it is at this moment, in Deleting. No invocation begins any more. Its
// checkpoints are dropped when the last one in flight has ended.
//
// Errors: ErrNotFound, ErrInUse.
func (s *Service) Delete(ctx context.Context, account, region, uuid string) (Mapping, error) {
	if err := s.doubts.Settle(ctx, uuid); err != nil {
		return Mapping{}, err
	}
	e, old, err := s.find(account, region, uuid)
	if err != nil {
		return Mapping{}, err
	}
	now := s.now()
	if old.Phase.inTransition(now) {
		return Mapping{}, ErrInUse
	}
	next := old
	next.Phase = deleted(now, s.config.TransitionDelay)
	if err := s.replace(ctx, e, &old, next, nil); err != nil {
		return Mapping{}, err
	}
	m := e.snapshot(now)
	m.State = Deleting
	return m, nil
}

// reap removes all that is stored of a mapping that is gone, its discarded batches included. Its lanes have stopped.
func (s *Service) reap(ctx context.Context, e *entry, r *row) error {
	if err := e.shelf.Clear(ctx); err != nil {
		return err
	}
	points := newCheckpoints(s.config.Store, r.UUID, 0)
	done, keys, err := points.load(ctx)
	if err != nil {
		return err
	}
	for shard, facts := range done {
		keys = append(keys, points.keys(shard, facts)...)
	}
	last := []store.Write{s.table.rows.Remove(r.UUID, 0), s.table.results.Remove(r.UUID, 0), s.table.tags.Remove(r.UUID, 0), s.table.secrets.Remove(r.UUID, 0)}
	holder, revision, err := s.table.pairs.Get(ctx, r.pairKey())
	switch {
	case err == nil && holder.UUID == r.UUID:
		last = append(last, s.table.pairs.Remove(r.pairKey(), revision))
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	}
	if err := points.drop(ctx, keys, last...); err != nil {
		return err
	}
	s.remove(e)
	return nil
}
