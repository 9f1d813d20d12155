package function

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// published is a version as the store keeps it. Nothing of it changes once it can be invoked.
type published struct {
	// Function is the function as it was published; its Version is the number.
	Function Function
	// LatestDescription is how $LATEST was described then: a version may be described otherwise.
	LatestDescription string `json:",omitempty"`
}

// version is a version in memory: a value that is replaced, never changed.
type version struct {
	published
	deployment *deployment // nil while it cannot be invoked
}

func (v *version) number() int { return versionNumber(v.Function.Version) }

// versionNumber returns the number that a qualifier is, 0 when it is none.
func versionNumber(qualifier string) int {
	if strings.Trim(qualifier, "0123456789") != "" {
		return 0
	}
	n, err := strconv.Atoi(qualifier)
	if err != nil {
		return 0
	}
	return n
}

// isVersion reports whether a qualifier is a number, which can only be a version's.
func isVersion(qualifier string) bool {
	return qualifier != "" && strings.Trim(qualifier, "0123456789") == ""
}

// version returns the version with the number, or nil.
func (e *entry) version(number string) *version {
	i, found := slices.BinarySearchFunc(e.versions, versionNumber(number), func(v *version, n int) int { return v.number() - n })
	if !found || e.versions[i].Function.Version != number {
		return nil
	}
	return e.versions[i]
}

// republished returns the newest version when it is what publishing the function again would make, and nil otherwise.
func (e *entry) republished(f Function) *version {
	v := e.version(strconv.Itoa(e.Published))
	if v == nil || v.Function.State == Failed {
		return nil
	}
	was := v.Function
	was.Description = v.LatestDescription
	if reflect.DeepEqual(was.content(), f.content()) {
		return v
	}
	return nil
}

// content is a function without what tells one of its moments and versions from another.
func (f Function) content() Function {
	f.Version, f.RevisionID, f.LastModified = "", "", time.Time{}
	f.State, f.StateReason, f.StateReasonCode = "", "", ""
	f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = "", "", ""
	return f
}

// publish adds the next version to an entry that nobody else has yet: the function as it is, with another description
// if one is given. The version is in the state that the function is in.
func (e *entry) publish(f Function, description *string) *version {
	e.Published++
	v := &version{published: published{Function: f.clone(), LatestDescription: f.Description}}
	v.Function.Version = strconv.Itoa(e.Published)
	v.Function.RevisionID = uuid.NewString()
	set(&v.Function.Description, description)
	e.versions = append(slices.Clip(e.versions), v)
	return v
}

// Publication asks for a version.
type Publication struct {
	// CodeSha256 is, unless empty, the hash that the code must have.
	CodeSha256 string
	// Description is the version's; nil leaves the function's.
	Description *string
	// RevisionID is, unless empty, the revision that is to be published.
	RevisionID string
}

// Publish makes a version of what the function is now, and returns it. When nothing has changed since the newest version
// was published, that one is returned. The error is a *NotFoundError, *UpdatingError, *NotReadyError,
// ErrRevisionMismatch, *CodeMismatchError, ErrStorageExceeded, or a failure of the store.
func (s *Service) Publish(ctx context.Context, name Name, p Publication) (Function, error) {
	old, unlock, err := s.changeKnown(ctx, name)
	if err != nil {
		return Function{}, err
	}
	defer unlock()
	if err := publishable(old.Function, p); err != nil {
		return Function{}, err
	}
	if v := old.republished(old.Function); v != nil {
		return v.Function, nil
	}
	if err := s.checkStorage(name, old.Function.CodeSize); err != nil {
		return Function{}, err
	}
	next := *old
	v := next.publish(old.Function, p.Description)
	next.Function.RevisionID = uuid.NewString()
	v.deployment = s.deploy(v.Function, old.samples)
	if err := s.saveVersion(ctx, old, &next, v); err != nil {
		return Function{}, err
	}
	return v.Function, nil
}

// publishable reports why a function cannot be published now, if it cannot.
func publishable(f Function, p Publication) error {
	if err := changeable(f, p.RevisionID); err != nil {
		return err
	}
	if f.State == Failed || f.LastUpdateStatus == UpdateFailed {
		return &NotReadyError{ARN: f.ARN(), State: Failed}
	}
	if p.CodeSha256 != "" && p.CodeSha256 != f.CodeSha256() {
		return &CodeMismatchError{Given: p.CodeSha256, Current: f.CodeSha256()}
	}
	return nil
}

// saveVersion makes next the function's record together with its new version.
func (s *Service) saveVersion(ctx context.Context, old, next *entry, v *version) error {
	write, err := s.versionWrite(v)
	if err != nil {
		return err
	}
	s.code.holdAll(v.Function)
	return s.save(ctx, old, next, func(ctx context.Context, made bool) {
		if !made {
			s.dropVersion(ctx, v)
		}
	}, write)
}

func (s *Service) versionWrite(v *version) (store.Write, error) {
	return s.versions.Write(key(v.Function.Name, v.Function.Version), v.published, 0)
}

// settleVersions gives the versions that were published by the change that has ended now its end: they are copies of the
// function. It returns what is to be stored.
func (s *Service) settleVersions(next *entry) ([]store.Write, error) {
	var writes []store.Write
	for i, v := range next.versions {
		if v.Function.State != Pending {
			continue
		}
		settled := &version{published: v.published}
		f, latest := &settled.Function, &next.Function
		f.RevisionID = uuid.NewString()
		f.LastUpdateStatus, f.LastUpdateStatusReason, f.LastUpdateStatusReasonCode = latest.LastUpdateStatus, latest.LastUpdateStatusReason, latest.LastUpdateStatusReasonCode
		f.State, f.StateReason, f.StateReasonCode = Active, "", ""
		if latest.LastUpdateStatus == UpdateFailed {
			f.State, f.StateReason, f.StateReasonCode = Failed, latest.LastUpdateStatusReason, latest.LastUpdateStatusReasonCode
		}
		write, err := s.versionWrite(settled)
		if err != nil {
			return nil, err
		}
		writes = append(writes, write)
		if len(writes) == 1 {
			next.versions = slices.Clone(next.versions) // the former entry keeps its own
		}
		next.versions[i] = settled
	}
	return writes, nil
}

// deployVersions makes the deployments of versions that can be invoked and have none yet, and returns how to undo that.
func (s *Service) deployVersions(e *entry) (undo func()) {
	var made []*deployment
	for _, v := range e.versions {
		if v.deployment == nil && v.Function.State == Active {
			v.deployment = s.deploy(v.Function, e.samples)
			made = append(made, v.deployment)
		}
	}
	return func() {
		for _, d := range made {
			s.pool.retire(d)
		}
	}
}

// DeleteVersion removes a version with its policy; one that is not there is no error. Invocations under way finish. The
// error is a *NotFoundError of the function, a *VersionInUseError, or a failure of the store.
func (s *Service) DeleteVersion(ctx context.Context, name Name, number string) error {
	old, unlock, err := s.changeKnown(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	v := old.version(number)
	if v == nil {
		return nil
	}
	if aliases := old.aliasesOf(number); aliases != nil {
		return &VersionInUseError{Aliases: aliases}
	}
	next := *old
	next.versions = slices.DeleteFunc(slices.Clone(old.versions), func(other *version) bool { return other == v })
	next.policies, next.eventConfigs = without(old.policies, number), without(old.eventConfigs, number)
	next.provisioned = without(old.provisioned, number)
	err = s.commit(ctx, old, &next, func(ctx context.Context, made bool) {
		if made {
			s.dropVersion(ctx, v)
		}
	}, s.versions.Remove(key(name, number), 0), s.policies.Remove(key(name, number), 0), s.eventConfigs.Remove(key(name, number), 0),
		s.provisionedConfigs.Remove(key(name, number), 0))
	if err != nil {
		return fmt.Errorf("delete version %s of %s: %w", number, name.ARN(), err)
	}
	return nil
}

// dropVersion gives up what a version has used that is deleted, or was not made.
func (s *Service) dropVersion(ctx context.Context, v *version) {
	if v.deployment != nil {
		s.pool.retire(v.deployment)
	}
	s.code.releaseAll(ctx, v.Function)
}

// Versions returns up to limit versions of a function, or a *NotFoundError: first Latest, then the published ones in the
// order of their numbers, after the given one; "" means from the first. more reports whether there are others behind.
func (s *Service) Versions(_ context.Context, name Name, after string, limit int) (list []Function, more bool, err error) {
	e, err := s.lookup(name)
	if err != nil {
		return nil, false, err
	}
	list = e.all(after)
	if len(list) > limit {
		return list[:limit:limit], true, nil
	}
	return list, false, nil
}

// all returns the function and its versions after the given one.
func (e *entry) all(after string) []Function {
	var list []Function
	if after == "" {
		list = append(list, e.Function)
	}
	for _, v := range e.versions {
		if v.number() > versionNumber(after) {
			list = append(list, v.Function)
		}
	}
	return list
}

// loadVersions reads the versions of all functions into their entries.
func (s *Service) loadVersions(ctx context.Context) error {
	for item, err := range s.versions.Scan(ctx, "") {
		if err != nil {
			return err
		}
		v := &version{published: item.Value}
		e := s.entries[v.Function.Name]
		if e == nil || versionNumber(v.Function.Version) == 0 {
			return fmt.Errorf("version %q of %s: %w", v.Function.Version, v.Function.Name.ARN(), store.ErrCorrupt)
		}
		s.code.holdAll(v.Function)
		e.versions = append(e.versions, v)
		// One of which the store could not say whether it was kept may be newer than its function's record.
		e.Published = max(e.Published, v.number())
	}
	for _, e := range s.entries {
		slices.SortFunc(e.versions, func(a, b *version) int { return a.number() - b.number() })
		s.deployVersions(e)
	}
	return nil
}
