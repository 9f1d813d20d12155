package mapping

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/store"
)

// Change is what an update asks for; nil leaves a thing as it is.
type Change struct {
	Function *function.Ref
	Enabled  *bool

	BatchSize                  *int
	MaximumBatchingWindow      *int // seconds
	ParallelizationFactor      *int
	MaximumRetryAttempts       *int
	MaximumRecordAge           *int // seconds
	BisectBatchOnFunctionError *bool
	TumblingWindow             *int // seconds
	ReportBatchItemFailures    *bool
	Filters                    *[]string // an empty list removes the filters
	KMSKey                     *string   // "" ends the encryption of filters
	EventCount                 *bool
	OnFailure                  *string // "" removes the destination
}

// Apply returns the settings after the change.
func (c Change) Apply(s Settings) Settings {
	replace(&s.BatchSize, c.BatchSize)
	replace(&s.MaximumBatchingWindow, c.MaximumBatchingWindow)
	replace(&s.ParallelizationFactor, c.ParallelizationFactor)
	replace(&s.MaximumRetryAttempts, c.MaximumRetryAttempts)
	replace(&s.MaximumRecordAge, c.MaximumRecordAge)
	replace(&s.BisectBatchOnFunctionError, c.BisectBatchOnFunctionError)
	replace(&s.TumblingWindow, c.TumblingWindow)
	replace(&s.ReportBatchItemFailures, c.ReportBatchItemFailures)
	replace(&s.Filters, c.Filters)
	replace(&s.KMSKey, c.KMSKey)
	replace(&s.EventCount, c.EventCount)
	replace(&s.OnFailure, c.OnFailure)
	return s
}

func replace[T any](value *T, with *T) {
	if with != nil {
		*value = *with
	}
}

// Update changes a mapping and returns it with its new values. They hold from the next batch on; positions in the
// stream are kept. A batch that is being retried is formed anew, and its attempts count anew.
//
// Errors: ErrNotFound, ErrInUse, and those of Create that concern what is changed.
func (s *Service) Update(ctx context.Context, account, region, uuid string, c Change) (Mapping, error) {
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
	next.Settings = c.Apply(old.Settings)
	next.Phase = old.Phase.updated(c.Enabled, now, s.config.TransitionDelay)
	next.LastModified = now
	if c.Function != nil {
		next.FunctionARN = c.Function.ARN()
	}
	if err := s.checkChange(ctx, &next, c); err != nil {
		return Mapping{}, err
	}
	writes, err := s.changeWrites(ctx, &old, &next)
	if err != nil {
		return Mapping{}, err
	}
	if err := s.replace(ctx, e, &old, next, writes); err != nil {
		return Mapping{}, err
	}
	m := e.snapshot(now)
	m.State = next.Phase.Passing
	return m, nil
}

// checkChange judges what a change speaks of. The destination, and whether the role may send there, is looked at again only when it or
// the function is named.
func (s *Service) checkChange(ctx context.Context, next *row, c Change) error {
	if err := next.Settings.check(); err != nil {
		return err
	}
	if c.Function != nil {
		if err := s.checkFunction(ctx, next.Account, next.Region, *c.Function); err != nil {
			return err
		}
	}
	if c.Function == nil && c.OnFailure == nil {
		return nil
	}
	if err := s.checkDestination(ctx, next.Region, next.Settings.OnFailure); err != nil {
		return err
	}
	return s.maySend(ctx, next.function(), next.Settings.OnFailure)
}

// changeWrites returns what is to be stored beside the row: the pair when the function is another one, and where to
// start when this is the first time that the mapping is enabled.
func (s *Service) changeWrites(ctx context.Context, old, next *row) ([]store.Write, error) {
	var writes []store.Write
	if next.FunctionARN != old.FunctionARN {
		claim, err := s.claim(ctx, next)
		if err != nil {
			return nil, err
		}
		writes = append(writes, claim, s.table.pairs.Remove(old.pairKey(), 0))
	}
	if next.Phase.Then == Enabled && !next.Begun {
		source, err := s.checkSource(ctx, next.Account, next.Region, next.SourceARN)
		if err != nil {
			return nil, err
		}
		begin, err := s.begin(ctx, next, source)
		if err != nil {
			return nil, err
		}
		next.Begun = true
		writes = append(writes, begin...)
	}
	return writes, nil
}

// replace stores a changed row in place of the one it was made from. ErrInUse when that is no longer the current one: then
// a transition has begun meanwhile.
func (s *Service) replace(ctx context.Context, e *entry, old *row, next row, also []store.Write) error {
	stored, revision, err := s.table.rows.Get(ctx, e.uuid)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("load mapping %s: %w", e.uuid, err)
	}
	if stored.Version != old.Version {
		return ErrInUse
	}
	next.Version++
	put, err := s.table.write(next, revision)
	if err != nil {
		return err
	}
	err = s.config.Store.Commit(context.WithoutCancel(ctx), append(also, put...)...)
	if errors.Is(err, store.ErrConflict) {
		return ErrInUse
	}
	if err != nil {
		s.doubt(e.uuid, err)
		return fmt.Errorf("store mapping %s: %w", e.uuid, err)
	}
	e.set(next)
	return nil
}
