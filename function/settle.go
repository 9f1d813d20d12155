package function

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/function/archive"
)

const (
	// settlers bounds how many functions are settled at one time: checking one may start an interpreter.
	settlers = 4
	// settleRetry is how long a function waits after the store failed while it was settled.
	settleRetry = 5 * time.Second
)

// settleDue finishes transitions as they become due, until the context ends. It returns when none is being finished.
func (s *Service) settleDue(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	places := make(chan struct{}, settlers)
	for {
		doubts := s.settleDoubts(ctx)
		names, wait := s.takeDue()
		if doubts && (wait < 0 || wait > doubtRetry) {
			wait = doubtRetry
		}
		for _, name := range names {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			work.Go(func() {
				defer func() { <-places }()
				s.settleOrRetry(ctx, name)
			})
		}
		if !s.sleep(ctx, wait, s.wake) {
			return
		}
	}
}

// takeDue returns the functions that are due and how long it is until the next ones are; negative when there are none.
func (s *Service) takeDue() (names []Name, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	wait = -1
	for name, at := range s.due {
		left := at.Sub(now)
		switch {
		case left <= 0:
			names = append(names, name)
			delete(s.due, name)
		case wait < 0 || left < wait:
			wait = left
		}
	}
	return names, wait
}

// sleep waits, for ever when wait is negative, or until it is woken; false when the context ended.
func (s *Service) sleep(ctx context.Context, wait time.Duration, wake <-chan struct{}) bool {
	var passed <-chan time.Time
	if wait >= 0 {
		timer := s.clock.NewTimer(wait)
		defer timer.Stop()
		passed = timer.Chan()
	}
	select {
	case <-ctx.Done():
		return false
	case <-passed:
	case <-wake:
	}
	return true
}

func (s *Service) settleOrRetry(ctx context.Context, name Name) {
	err := s.settle(ctx, name)
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrNotFound) {
		return
	}
	s.log.Error("function cannot be settled yet", "function", name.ARN(), "err", err, "retry", settleRetry)
	s.mu.Lock()
	if s.entries[name] != nil {
		s.due[name] = s.clock.Now().Add(settleRetry)
	}
	s.mu.Unlock()
	s.poke()
}

// settle finishes the transition of one function: it finds out whether the function can be run, and says so.
func (s *Service) settle(ctx context.Context, name Name) error {
	old, unlock, err := s.changeKnown(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	if !old.pending() {
		return nil
	}
	problem := s.tryOut(ctx, old.Function)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	next := *old
	next.record = settled(old.record, problem)
	versions, err := s.settleVersions(&next)
	if err != nil {
		return err
	}
	if problem != nil {
		s.log.Warn("function cannot be run", "function", name.ARN(), "err", problem)
		return s.save(ctx, old, &next, nil, versions...)
	}
	next.deployment = s.deploy(next.Function, next.samples)
	undo := s.deployVersions(&next)
	return s.save(ctx, old, &next, func(_ context.Context, made bool) {
		switch {
		case !made:
			s.pool.retire(next.deployment)
			undo()
		case old.deployment != nil:
			s.pool.retire(old.deployment)
		}
	}, versions...)
}

// tryOut returns why the function cannot be run here, or nil.
func (s *Service) tryOut(ctx context.Context, f Function) error {
	folder, err := s.code.folder(ctx, f.CodeBlob)
	if err != nil {
		return err
	}
	if layers := mergedID(f.Layers); len(f.Layers) > 0 {
		s.code.hold(layers)
		defer s.code.release(context.WithoutCancel(ctx), layers)
	}
	merged, err := s.code.layersFolder(ctx, f.Layers)
	if err != nil {
		return err
	}
	return s.executor.Check(ctx, Spec{Function: f, Version: f.Version, CodeDir: folder, LayersDir: merged})
}

// settled returns the record of a function whose transition has ended, well or with a problem.
func settled(r record, problem error) record {
	f := r.Function
	f.RevisionID = uuid.NewString()
	if problem == nil {
		f.State, f.StateReason, f.StateReasonCode = Active, "", ""
		f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = UpdateSuccessful, "", ""
		r.Function, r.Serving = f, nil
		return r
	}
	code := reasonCode(problem)
	if r.Serving == nil {
		f.State, f.StateReason, f.StateReasonCode = Failed, problem.Error(), code
	}
	f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = UpdateFailed, problem.Error(), code
	r.Function = f
	return r
}

func reasonCode(problem error) string {
	var missing *RuntimeMissingError
	switch {
	case errors.As(problem, &missing):
		return reasonCodeInvalidRuntime
	case errors.Is(problem, archive.ErrUnreadable), errors.Is(problem, archive.ErrTooLarge), errors.Is(problem, archive.ErrEmpty):
		return reasonCodeInvalidZipFile
	}
	return reasonCodeInternal
}
