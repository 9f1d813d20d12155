package function

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// ProvisionedConfig asks for environments of a version, or of the version that an alias stands for, that are initialized
// before they are needed. Its JSON form is part of the store's format.
type ProvisionedConfig struct {
	About        Ref // a number or an alias
	Requested    int
	LastModified time.Time
}

// ProvisionedStatus is how far provisioned concurrency is.
type ProvisionedStatus string

// The statuses of provisioned concurrency.
const (
	ProvisionedInProgress ProvisionedStatus = "IN_PROGRESS"
	ProvisionedReady      ProvisionedStatus = "READY"
	ProvisionedFailed     ProvisionedStatus = "FAILED"
)

// Provisioned is a configuration, and how far it is carried out.
type Provisioned struct {
	ProvisionedConfig
	// Allocated is how many environments are initialized, at work or not.
	Allocated int
	Status    ProvisionedStatus
	// Reason says why the status is ProvisionedFailed.
	Reason string
}

func (s *Service) provisioned(c ProvisionedConfig) Provisioned {
	p := Provisioned{ProvisionedConfig: c}
	p.Allocated, p.Status, p.Reason = s.pool.allocated(c.About)
	return p
}

// provisionedSum returns how much is asked for of all versions and aliases.
func (e *entry) provisionedSum() (sum int) {
	for _, c := range e.provisioned {
		sum += c.Requested
	}
	return sum
}

// claim returns what of the account's concurrency is the function's alone.
func (e *entry) claim() int {
	if e.Reserved != nil {
		return *e.Reserved
	}
	return e.provisionedSum()
}

// versionOf returns the version that a qualifier stands for, or nil.
func (e *entry) versionOf(qualifier string) *version {
	if a, there := e.aliases[qualifier]; there {
		qualifier = a.Version
	}
	return e.version(qualifier)
}

// supply tells the pool what a function has reserved and provisioned; e is nil when it is gone.
func (s *Service) supply(name Name, e *entry) {
	if e == nil {
		s.pool.claim(name, nil, 0)
		s.pool.allocate(name, nil)
		return
	}
	s.pool.claim(name, e.Reserved, e.provisionedSum())
	var wanted []wantedAllocation
	for qualifier, c := range e.provisioned {
		w := wantedAllocation{config: c}
		if v := e.versionOf(qualifier); v != nil {
			w.deployment = v.deployment
		}
		wanted = append(wanted, w)
	}
	s.pool.allocate(name, wanted)
}

// PutProvisioned asks for provisioned concurrency of a version or an alias, instead of what was asked for before. The
// environments are started by Run. The error is one of AddPermission's about the reference, ErrUnpublished,
// *NotReadyError, ErrAboveReserved, *AboveUnreservedError, ErrUnreservedProvisioned, ErrVersionProvisioned,
// ErrAliasProvisioned, or a failure of the store.
func (s *Service) PutProvisioned(ctx context.Context, about Ref, n int) (Provisioned, error) {
	release, err := s.reserving.lock(ctx, about.scope())
	if err != nil {
		return Provisioned{}, err
	}
	defer release()
	old, unlock, err := s.changeFound(ctx, about, s.target)
	if err != nil {
		return Provisioned{}, err
	}
	defer unlock()
	v := old.versionOf(about.Qualifier)
	if v == nil {
		return Provisioned{}, ErrUnpublished
	}
	if v.Function.State != Active {
		return Provisioned{}, &NotReadyError{ARN: v.Function.ARN(), State: v.Function.State}
	}
	if err := s.checkProvisioned(old, about, n); err != nil {
		return Provisioned{}, err
	}
	next := *old
	c := ProvisionedConfig{About: about, Requested: n, LastModified: s.clock.Now()}
	next.provisioned = with(old.provisioned, about.Qualifier, c)
	revised, err := s.revise(&next, v)
	if err != nil {
		return Provisioned{}, err
	}
	put, err := s.provisionedConfigs.Write(key(about.Name, about.Qualifier), c, 0)
	if err != nil {
		return Provisioned{}, err
	}
	// The answer is what is so before the first of the environments that are asked for.
	answer := Provisioned{ProvisionedConfig: c, Status: ProvisionedInProgress}
	if had, _, _ := s.pool.allocated(about); had > 0 {
		answer.Allocated = min(had, n)
	}
	if err := s.commit(ctx, old, &next, nil, put, revised); err != nil {
		return Provisioned{}, fmt.Errorf("store provisioned concurrency of %s: %w", about.ARN(), err)
	}
	return answer, nil
}

// revise gives a version of an entry that nobody else has yet another revision, as AWS does, and nothing else.
func (s *Service) revise(e *entry, v *version) (store.Write, error) {
	revised := &version{published: v.published, deployment: v.deployment}
	revised.Function.RevisionID = uuid.NewString()
	e.versions = slices.Clone(e.versions)
	e.versions[slices.Index(e.versions, v)] = revised
	return s.versionWrite(revised)
}

// checkProvisioned judges whether so much may be provisioned.
func (s *Service) checkProvisioned(e *entry, about Ref, n int) error {
	before := e.provisioned[about.Qualifier].Requested
	if e.Reserved != nil {
		if e.provisionedSum()-before+n > *e.Reserved {
			return ErrAboveReserved
		}
	} else if left := s.Unreserved(about.Account, about.Region) + before; n > left {
		return &AboveUnreservedError{Unreserved: left}
	} else if left-n < MinUnreserved {
		return ErrUnreservedProvisioned
	}
	if a, there := e.aliases[about.Qualifier]; there {
		return e.checkProvisionedAlias(a.Version)
	}
	for _, a := range e.aliases {
		if _, provisioned := e.provisioned[a.Name]; provisioned && a.Version == about.Qualifier {
			return ErrAliasProvisioned
		}
	}
	return nil
}

// checkProvisionedAlias judges whether an alias with provisioned concurrency may stand for a version.
func (e *entry) checkProvisionedAlias(version string) error {
	if _, provisioned := e.provisioned[version]; provisioned {
		return ErrVersionProvisioned
	}
	return nil
}

// Provisioned returns what is provisioned of a version or an alias. The error is one of AddPermission's about the
// reference, or ErrNotProvisioned.
func (s *Service) Provisioned(_ context.Context, about Ref) (Provisioned, error) {
	e, err := s.target(about)
	if err != nil {
		return Provisioned{}, err
	}
	c, there := e.provisioned[about.Qualifier]
	if !there {
		return Provisioned{}, ErrNotProvisioned
	}
	return s.provisioned(c), nil
}

// ProvisionedConfigs lists up to limit configurations of a function by their qualifiers, after the given one, or returns a
// *NotFoundError.
func (s *Service) ProvisionedConfigs(_ context.Context, name Name, after string, limit int) (list []Provisioned, more bool, err error) {
	e, err := s.lookup(name)
	if err != nil {
		return nil, false, err
	}
	for qualifier, c := range e.provisioned {
		if qualifier > after {
			list = append(list, s.provisioned(c))
		}
	}
	slices.SortFunc(list, func(a, b Provisioned) int { return strings.Compare(a.About.Qualifier, b.About.Qualifier) })
	if len(list) > limit {
		return list[:limit:limit], true, nil
	}
	return list, false, nil
}

// DeleteProvisioned ends provisioned concurrency; what is not there is no error. Invocations under way finish. The error is
// one of AddPermission's about the reference, or a failure of the store.
func (s *Service) DeleteProvisioned(ctx context.Context, about Ref) error {
	old, unlock, err := s.changeFound(ctx, about, s.target)
	if err != nil {
		return err
	}
	defer unlock()
	if _, there := old.provisioned[about.Qualifier]; !there {
		return nil
	}
	next := *old
	next.provisioned = without(old.provisioned, about.Qualifier)
	if err := s.commit(ctx, old, &next, nil, s.provisionedConfigs.Remove(key(about.Name, about.Qualifier), 0)); err != nil {
		return fmt.Errorf("delete provisioned concurrency of %s: %w", about.ARN(), err)
	}
	return nil
}

// loadProvisioned reads all configurations into the entries of their functions.
func (s *Service) loadProvisioned(ctx context.Context) error {
	for item, err := range s.provisionedConfigs.Scan(ctx, "") {
		if err != nil {
			return err
		}
		about := item.Value.About
		e := s.entries[about.Name]
		if e == nil {
			return fmt.Errorf("provisioned concurrency of %s has no function: %w", about.ARN(), store.ErrCorrupt)
		}
		e.provisioned = with(e.provisioned, about.Qualifier, item.Value)
	}
	return nil
}
