package function

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// Create makes a function with the settings of f, of which the zero ones get their defaults; code, version, states and
// revision are the room's. The function is Pending until Run has found out whether it can be run. The error is ErrExists,
// a *NameTooLongError, ErrStorageExceeded, one about the settings or the code, or a failure of the store.
func (s *Service) Create(ctx context.Context, f Function, zip []byte) (Function, error) {
	return s.CreateWith(ctx, f, zip, Extras{})
}

// Extras are what else a new function may get.
type Extras struct {
	Tags map[string]string
	// Layers are the ARNs of the layers, in their order.
	Layers []string
	// Publish makes the first version, too. It becomes Active with the function, or Failed.
	Publish bool
}

// CreateWith is Create with extras. It returns the version if there is one. The error may also be ErrTooManyTags.
func (s *Service) CreateWith(ctx context.Context, f Function, zip []byte, x Extras) (Function, error) {
	f = f.clone().withDefaults()
	if len(x.Tags) > MaxTags {
		return Function{}, ErrTooManyTags
	}
	if len(f.Name.Name) > MaxNameLength {
		return Function{}, &NameTooLongError{Name: f.Name.Name}
	}
	if err := f.check(); err != nil {
		return Function{}, err
	}
	unlock, err := s.change(ctx, f.Name)
	if err != nil {
		return Function{}, err
	}
	defer unlock()
	if _, err := s.lookup(f.Name); err == nil {
		return Function{}, ErrExists
	}
	if err := s.checkRole(f.Account, f.Role); err != nil {
		return Function{}, err
	}
	if err := s.checkStorage(f.Name, int64(len(zip))); err != nil {
		return Function{}, err
	}
	attached, release, err := s.attach(f.Name, x.Layers)
	if err != nil {
		return Function{}, err
	}
	defer release()
	a, err := openArchive(zip)
	if err != nil {
		return Function{}, err
	}
	f.CodeSize, f.UnzippedBytes, f.Layers = int64(len(zip)), a.Size(), attached
	if err := f.checkUnzipped(); err != nil {
		return Function{}, err
	}
	if f.CodeBlob, err = s.code.put(ctx, zip); err != nil {
		return Function{}, err
	}
	defer s.code.release(context.WithoutCancel(ctx), f.CodeBlob)
	f.RevisionID = uuid.NewString()
	f.LastModified = s.clock.Now()
	f.State, f.StateReason, f.StateReasonCode = Pending, reasonCreating, reasonCodeCreating
	f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = "", "", ""
	e := &entry{record: record{Function: f, Tags: maps.Clone(x.Tags)}, samples: s.recorder.Function(f.Name)}
	if !x.Publish {
		return f, s.save(ctx, nil, e, nil)
	}
	v := e.publish(f, nil)
	return v.Function, s.saveVersion(ctx, nil, e, v)
}

// Get returns the function, or a *NotFoundError.
func (s *Service) Get(_ context.Context, name Name) (Function, error) {
	e, err := s.lookup(name)
	if err != nil {
		return Function{}, err
	}
	return e.Function, nil
}

// Find returns the function that the reference means, or a *NotFoundError with the reference's ARN: the function itself,
// a version, or the version that an alias stands for.
func (s *Service) Find(_ context.Context, ref Ref) (Function, error) {
	e, err := s.lookup(ref.Name)
	if err != nil {
		return Function{}, &NotFoundError{ARN: ref.ARN()}
	}
	qualifier := ref.Qualifier
	if a, ok := e.aliases[qualifier]; ok {
		qualifier = a.Version
	}
	if qualifier == "" || qualifier == Latest {
		return e.Function, nil
	}
	v := e.version(qualifier)
	if v == nil {
		return Function{}, &NotFoundError{ARN: ref.ARN()}
	}
	return v.Function, nil
}

// ListAll is List with all versions of each function: Latest first, then the others by their numbers. It goes on after a
// version of a function.
func (s *Service) ListAll(_ context.Context, account, region, after, version string, limit int) (list []Function, more bool, err error) {
	s.mu.RLock()
	var entries []*entry
	for name, e := range s.entries {
		if name.Account == account && name.Region == region && name.Name >= after {
			entries = append(entries, e)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(entries, func(a, b *entry) int { return strings.Compare(a.Function.Name.Name, b.Function.Name.Name) })
	for _, e := range entries {
		from := ""
		if e.Function.Name.Name == after {
			from = version
		}
		list = append(list, e.all(from)...)
		if len(list) > limit {
			return list[:limit:limit], true, nil
		}
	}
	return list, false, nil
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

// OpenCode returns the archive of what the reference means and its length in bytes. The caller closes it.
func (s *Service) OpenCode(ctx context.Context, ref Ref) (io.ReadCloser, int64, error) {
	f, err := s.Find(ctx, ref)
	if err != nil {
		return nil, 0, err
	}
	blob, err := s.code.store.OpenBlob(ctx, f.CodeBlob)
	if err != nil {
		return nil, 0, fmt.Errorf("open code of %s: %w", ref.ARN(), err)
	}
	return blob, f.CodeSize, nil
}

// CodeUpdate is a change of a function's code.
type CodeUpdate struct {
	Zip           []byte
	Architectures []string // nil leaves them
	RevisionID    string   // unless empty, the revision that is to be changed
	DryRun        bool     // answer what would be, and change nothing
	Publish       bool     // make a version of it; it is Pending until the update has ended
}

// UpdateCode begins to replace the function's code. The update is in progress when it returns; Run finishes it. It
// returns the version if one is published. The error is a *NotFoundError, *UpdatingError, *NotReadyError,
// ErrRevisionMismatch, ErrStorageExceeded, one about the code, or a failure of the store.
func (s *Service) UpdateCode(ctx context.Context, name Name, u CodeUpdate) (Function, error) {
	a, err := openArchive(u.Zip)
	if err != nil {
		return Function{}, err
	}
	return s.update(ctx, name, updateHow{u.RevisionID, u.DryRun, u.Publish}, func(f *Function) (func(), error) {
		if u.Architectures != nil {
			f.Architectures = slices.Clone(u.Architectures)
		}
		f.CodeSize, f.UnzippedBytes = int64(len(u.Zip)), a.Size()
		if err := f.checkUnzipped(); err != nil {
			return nil, err
		}
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
	Environment                         map[string]string // replaces all variables; empty takes them away
	LogFormat, LogGroup                 *string
	ApplicationLogLevel, SystemLogLevel *string
	Layers                              []string // ARNs; replaces all layers unless nil
	DeadLetterARN                       *string  // empty takes it away
	RevisionID                          string   // unless empty, the revision that is to be changed
}

// UpdateConfiguration begins to change the function's settings. The update is in progress when it returns; Run finishes
// it. The error is a *NotFoundError, *UpdatingError, *NotReadyError, ErrRevisionMismatch, one about the settings, or a
// failure of the store.
func (s *Service) UpdateConfiguration(ctx context.Context, name Name, u ConfigurationUpdate) (Function, error) {
	return s.update(ctx, name, updateHow{revision: u.RevisionID}, func(f *Function) (func(), error) {
		set(&f.Runtime, u.Runtime)
		set(&f.Handler, u.Handler)
		if set(&f.Role, u.Role); u.Role != nil {
			if err := s.checkRole(f.Account, f.Role); err != nil {
				return nil, err
			}
		}
		set(&f.Description, u.Description)
		set(&f.Timeout, u.Timeout)
		set(&f.MemoryMB, u.MemoryMB)
		set(&f.EphemeralMB, u.EphemeralMB)
		if set(&f.LogFormat, u.LogFormat); f.LogFormat == LogText {
			f.ApplicationLogLevel, f.SystemLogLevel = "", ""
		}
		set(&f.LogGroup, u.LogGroup)
		set(&f.ApplicationLogLevel, u.ApplicationLogLevel)
		set(&f.SystemLogLevel, u.SystemLogLevel)
		*f = f.withLogLevels()
		set(&f.DeadLetterARN, u.DeadLetterARN)
		switch {
		case len(u.Environment) > 0:
			f.Environment = u.Environment
		case u.Environment != nil:
			f.Environment = nil
		}
		*f = f.clone()
		if u.Layers == nil {
			return func() {}, nil
		}
		attached, release, err := s.attach(f.Name, u.Layers)
		if err != nil {
			return nil, err
		}
		f.Layers = attached
		if err := f.checkUnzipped(); err != nil {
			release()
			return nil, err
		}
		return release, nil
	})
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// updateHow says how an update is made.
type updateHow struct {
	revision        string // unless empty, the one that is to be changed
	dryRun, publish bool
}

// update begins a change. change makes it on a copy of the function and returns what is to be done when it has been
// stored, or has not.
func (s *Service) update(ctx context.Context, name Name, how updateHow, change func(*Function) (func(), error)) (Function, error) {
	old, unlock, err := s.changeKnown(ctx, name)
	if err != nil {
		return Function{}, err
	}
	defer unlock()
	if err := changeable(old.Function, how.revision); err != nil {
		return Function{}, err
	}
	f := old.Function.clone()
	done, err := change(&f)
	if err != nil {
		return Function{}, err
	}
	defer done()
	if err := f.check(); err != nil || how.dryRun {
		return f, err
	}
	if err := s.checkStorage(name, f.CodeSize-old.Function.CodeSize); err != nil {
		return Function{}, err
	}
	f.RevisionID = uuid.NewString()
	f.LastModified = s.clock.Now()
	f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = UpdateInProgress, reasonCreating, reasonCodeCreating
	next := *old
	next.Function, next.Serving = f, old.serving()
	if !how.publish {
		return f, s.save(ctx, old, &next, nil)
	}
	if v := old.republished(f); v != nil {
		return v.Function, s.save(ctx, old, &next, nil)
	}
	v := next.publish(f, nil)
	v.Function.State, v.Function.StateReason, v.Function.StateReasonCode = Pending, reasonCreating, reasonCodeCreating
	v.Function.LastUpdateStatus, v.Function.LastUpdateStatusReason, v.Function.LastUpdateStatusReasonCode = "", "", ""
	return v.Function, s.saveVersion(ctx, old, &next, v)
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

// Delete removes a function with all that belongs to it, or returns a *NotFoundError. Invocations under way finish.
func (s *Service) Delete(ctx context.Context, name Name) error {
	e, unlock, err := s.changeKnown(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	err = s.commit(ctx, e, nil, func(ctx context.Context, made bool) {
		if !made {
			return
		}
		if e.deployment != nil {
			s.pool.retire(e.deployment)
		}
		s.releaseCode(ctx, e.record)
		for _, v := range e.versions {
			s.dropVersion(ctx, v)
		}
		s.dropEvents(ctx, name)
	}, s.removal(e)...)
	if err != nil {
		return fmt.Errorf("delete function %s: %w", name.ARN(), err)
	}
	return nil
}

// removal returns what deletes a function with all that belongs to it.
func (s *Service) removal(e *entry) []store.Write {
	name := e.Function.Name
	writes := []store.Write{s.functions.Remove(key(name), 0)}
	for _, v := range e.versions {
		writes = append(writes, s.versions.Remove(key(name, v.Function.Version), 0))
	}
	for alias := range e.aliases {
		writes = append(writes, s.aliases.Remove(key(name, alias), 0))
	}
	for qualifier := range e.eventConfigs {
		writes = append(writes, s.eventConfigs.Remove(key(name, qualifier), 0))
	}
	for qualifier := range e.provisioned {
		writes = append(writes, s.provisionedConfigs.Remove(key(name, qualifier), 0))
	}
	for qualifier := range e.urls {
		writes = append(writes, s.urlConfigs.Remove(key(name, qualifier), 0))
	}
	for qualifier := range e.policies {
		writes = append(writes, s.policies.Remove(key(name, qualifier), 0))
	}
	return writes
}
