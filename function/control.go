package function

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Create makes a function with the settings of f, of which the zero ones get their defaults; code, states and revision
// are the room's. The function is Pending until Run has found out whether it can be run. The error is ErrExists, a
// *NameTooLongError, one about the settings or the code, or a failure of the store.
func (s *Service) Create(ctx context.Context, f Function, zip []byte) (Function, error) {
	f = f.clone().withDefaults()
	if len(f.Name.Name) > MaxNameLength {
		return Function{}, &NameTooLongError{Name: f.Name.Name}
	}
	if err := f.check(); err != nil {
		return Function{}, err
	}
	unlock, err := s.changing.lock(ctx, f.Name)
	if err != nil {
		return Function{}, err
	}
	defer unlock()
	if _, err := s.lookup(f.Name); err == nil {
		return Function{}, ErrExists
	}
	if f.CodeBlob, err = s.code.put(ctx, zip); err != nil {
		return Function{}, err
	}
	defer s.code.release(context.WithoutCancel(ctx), f.CodeBlob)
	f.CodeSize = int64(len(zip))
	f.RevisionID = uuid.NewString()
	f.LastModified = s.clock.Now()
	f.State, f.StateReason, f.StateReasonCode = Pending, reasonCreating, reasonCodeCreating
	f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = "", "", ""
	if err := s.save(ctx, nil, &entry{record: record{Function: f}}); err != nil {
		return Function{}, err
	}
	return f, nil
}

// Get returns the function, or a *NotFoundError.
func (s *Service) Get(_ context.Context, name Name) (Function, error) {
	e, err := s.lookup(name)
	if err != nil {
		return Function{}, err
	}
	return e.Function, nil
}

// Find returns the function that the reference means, or a *NotFoundError with the reference's ARN. Only functions
// themselves can be meant, by no qualifier or by Latest.
func (s *Service) Find(ctx context.Context, ref Ref) (Function, error) {
	if ref.Qualifier != "" && ref.Qualifier != Latest {
		return Function{}, &NotFoundError{ARN: ref.ARN()}
	}
	f, err := s.Get(ctx, ref.Name)
	if err != nil {
		return Function{}, &NotFoundError{ARN: ref.ARN()}
	}
	return f, nil
}

// List returns up to limit functions of an account in a region, in order of their names, after the given one; "" means
// from the first. more reports whether there are others behind them.
func (s *Service) List(_ context.Context, account, region, after string, limit int) (list []Function, more bool, err error) {
	s.mu.RLock()
	for name, e := range s.entries {
		if name.Account == account && name.Region == region && name.Name > after {
			list = append(list, e.Function)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Name.Name, b.Name.Name) })
	if len(list) > limit {
		return list[:limit:limit], true, nil
	}
	return list, false, nil
}

// OpenCode returns the archive of a function and its length in bytes. The caller closes it.
func (s *Service) OpenCode(ctx context.Context, name Name) (io.ReadCloser, int64, error) {
	e, err := s.lookup(name)
	if err != nil {
		return nil, 0, err
	}
	blob, err := s.code.store.OpenBlob(ctx, e.Function.CodeBlob)
	if err != nil {
		return nil, 0, fmt.Errorf("open code of %s: %w", name.ARN(), err)
	}
	return blob, e.Function.CodeSize, nil
}

// CodeUpdate is a change of a function's code.
type CodeUpdate struct {
	Zip           []byte
	Architectures []string // nil leaves them
	RevisionID    string   // unless empty, the revision that is to be changed
	DryRun        bool     // answer what would be, and change nothing
}

// UpdateCode begins to replace the function's code. The update is in progress when it returns; Run finishes it. The
// error is a *NotFoundError, *UpdatingError, *NotReadyError, ErrRevisionMismatch, one about the code, or a failure of
// the store.
func (s *Service) UpdateCode(ctx context.Context, name Name, u CodeUpdate) (Function, error) {
	a, err := openArchive(u.Zip)
	if err != nil {
		return Function{}, err
	}
	return s.update(ctx, name, u.RevisionID, u.DryRun, func(f *Function) (func(), error) {
		if u.Architectures != nil {
			f.Architectures = slices.Clone(u.Architectures)
		}
		f.CodeSize = int64(len(u.Zip))
		if u.DryRun {
			f.CodeBlob = sha256.Sum256(u.Zip)
			return func() {}, a.Verify()
		}
		id, err := s.code.put(ctx, u.Zip)
		if err != nil {
			return nil, err
		}
		f.CodeBlob = id
		return func() { s.code.release(context.WithoutCancel(ctx), id) }, nil
	})
}

// ConfigurationUpdate is a change of a function's settings. What is nil stays as it is.
type ConfigurationUpdate struct {
	Runtime, Handler, Role, Description *string
	Timeout                             *time.Duration
	MemoryMB, EphemeralMB               *int
	Environment                         map[string]string // replaces all variables
	LogFormat, LogGroup                 *string
	RevisionID                          string // unless empty, the revision that is to be changed
}

// UpdateConfiguration begins to change the function's settings. The update is in progress when it returns; Run finishes
// it. The error is a *NotFoundError, *UpdatingError, *NotReadyError, ErrRevisionMismatch, one about the settings, or a
// failure of the store.
func (s *Service) UpdateConfiguration(ctx context.Context, name Name, u ConfigurationUpdate) (Function, error) {
	return s.update(ctx, name, u.RevisionID, false, func(f *Function) (func(), error) {
		set(&f.Runtime, u.Runtime)
		set(&f.Handler, u.Handler)
		set(&f.Role, u.Role)
		set(&f.Description, u.Description)
		set(&f.Timeout, u.Timeout)
		set(&f.MemoryMB, u.MemoryMB)
		set(&f.EphemeralMB, u.EphemeralMB)
		set(&f.LogFormat, u.LogFormat)
		set(&f.LogGroup, u.LogGroup)
		if u.Environment != nil {
			f.Environment = u.Environment
		}
		*f = f.clone()
		return func() {}, nil
	})
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// update begins a change. change makes it on a copy of the function and returns what is to be done when it has been
// stored, or has not.
func (s *Service) update(ctx context.Context, name Name, revision string, dryRun bool, change func(*Function) (func(), error)) (Function, error) {
	unlock, err := s.changing.lock(ctx, name)
	if err != nil {
		return Function{}, err
	}
	defer unlock()
	old, err := s.lookup(name)
	if err != nil {
		return Function{}, err
	}
	if err := changeable(old.Function, revision); err != nil {
		return Function{}, err
	}
	f := old.Function.clone()
	done, err := change(&f)
	if err != nil {
		return Function{}, err
	}
	defer done()
	if err := f.check(); err != nil || dryRun {
		return f, err
	}
	f.RevisionID = uuid.NewString()
	f.LastModified = s.clock.Now()
	f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = UpdateInProgress, reasonCreating, reasonCodeCreating
	next := &entry{record: record{Function: f, Serving: old.serving()}, deployment: old.deployment}
	if err := s.save(ctx, old, next); err != nil {
		return Function{}, err
	}
	return f, nil
}

// changeable reports why a function cannot be changed now, if it cannot.
func changeable(f Function, revision string) error {
	switch {
	case f.LastUpdateStatus == UpdateInProgress:
		return &UpdatingError{ARN: f.ARN()}
	case f.State == Pending:
		return &NotReadyError{ARN: f.ARN(), State: Pending}
	case revision != "" && revision != f.RevisionID:
		return ErrRevisionMismatch
	}
	return nil
}

// Delete removes a function, or returns a *NotFoundError. Invocations under way finish.
func (s *Service) Delete(ctx context.Context, name Name) error {
	unlock, err := s.changing.lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	e, err := s.lookup(name)
	if err != nil {
		return err
	}
	if err := s.functions.Delete(ctx, key(name)); err != nil {
		return fmt.Errorf("delete function %s: %w", name.ARN(), err)
	}
	s.mu.Lock()
	delete(s.entries, name)
	delete(s.due, name)
	s.mu.Unlock()
	if e.deployment != nil {
		s.pool.retire(e.deployment)
	}
	s.releaseCode(context.WithoutCancel(ctx), e.record)
	return nil
}
