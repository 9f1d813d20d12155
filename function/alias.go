package function

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Alias is a name for a version of a function, or for two of them. It is a value that the room never changes after it
// gave it out, and whose map the receiver does not change either. Its JSON form is part of the store's format.
type Alias struct {
	Function Name
	Name     string
	// Version is the version that the alias stands for: a number, or Latest.
	Version     string
	Description string
	// Weights names at most one more version, and the share of invocations that it gets, from 0 to 1.
	Weights    map[string]float64 `json:",omitempty"`
	RevisionID string
}

// ARN returns the name that AWS uses.
func (a Alias) ARN() string { return Ref{Name: a.Function, Qualifier: a.Name}.ARN() }

// choose returns the version that an invocation gets.
func (a Alias) choose(random func() float64) string {
	for version, weight := range a.Weights {
		if random() < weight {
			return version
		}
	}
	return a.Version
}

// checkAlias judges an alias by the versions there are.
func (e *entry) checkAlias(a Alias) error {
	missing := func(version string) error {
		return &NotFoundError{ARN: Ref{Name: a.Function, Qualifier: version}.ARN()}
	}
	if a.Version != Latest && e.version(a.Version) == nil {
		return missing(a.Version)
	}
	if len(a.Weights) > 1 {
		return ErrTooManyWeights
	}
	for version := range a.Weights {
		switch {
		case version == a.Version:
			return &VersionRoutedError{Version: version}
		case a.Version == Latest:
			return ErrLatestRouted
		case e.version(version) == nil:
			return missing(version)
		}
	}
	return nil
}

// aliasesOf returns the names of the aliases that lead to a version.
func (e *entry) aliasesOf(version string) (names []string) {
	for name, a := range e.aliases {
		if _, also := a.Weights[version]; also || a.Version == version {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// CreateAlias makes an alias; its revision is the room's. The error is a *NotFoundError of the function or of a version,
// ErrTooManyWeights, *VersionRoutedError, ErrLatestRouted, ErrAliasExists, or a failure of the store.
func (s *Service) CreateAlias(ctx context.Context, a Alias) (Alias, error) {
	unlock, err := s.change(ctx, a.Function)
	if err != nil {
		return Alias{}, err
	}
	defer unlock()
	old, err := s.lookup(a.Function)
	if err != nil {
		return Alias{}, &NotFoundError{ARN: Ref{Name: a.Function, Qualifier: a.Version}.ARN()}
	}
	if err := old.checkAlias(a); err != nil {
		return Alias{}, err
	}
	if _, exists := old.aliases[a.Name]; exists {
		return Alias{}, ErrAliasExists
	}
	return s.putAlias(ctx, old, a)
}

func (s *Service) putAlias(ctx context.Context, old *entry, a Alias) (Alias, error) {
	a.Weights = maps.Clone(a.Weights)
	if len(a.Weights) == 0 {
		a.Weights = nil
	}
	a.RevisionID = uuid.NewString()
	write, err := s.aliases.Write(key(a.Function, a.Name), a, 0)
	if err != nil {
		return Alias{}, err
	}
	next := *old
	next.aliases = with(old.aliases, a.Name, a)
	if err := s.commit(ctx, old, &next, nil, write); err != nil {
		return Alias{}, fmt.Errorf("store alias %s: %w", a.ARN(), err)
	}
	return a, nil
}

// Alias returns an alias, or an *AliasNotFoundError.
func (s *Service) Alias(_ context.Context, function Name, name string) (Alias, error) {
	if e, err := s.lookup(function); err == nil {
		if a, ok := e.aliases[name]; ok {
			return a, nil
		}
	}
	return Alias{}, &AliasNotFoundError{ARN: Ref{Name: function, Qualifier: name}.ARN()}
}

// Aliases returns up to limit aliases of a function, or a *NotFoundError: those that stand for the version, "" for all, in
// the order of their names, after the given one. more reports whether there are others behind them.
func (s *Service) Aliases(_ context.Context, function Name, version, after string, limit int) (list []Alias, more bool, err error) {
	e, err := s.lookup(function)
	if err != nil {
		return nil, false, err
	}
	for name, a := range e.aliases {
		if name > after && (version == "" || a.Version == version) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b Alias) int { return strings.Compare(a.Name, b.Name) })
	if len(list) > limit {
		return list[:limit:limit], true, nil
	}
	return list, false, nil
}

// AliasUpdate is a change of an alias. What is nil stays as it is.
type AliasUpdate struct {
	Version, Description *string
	Weights              map[string]float64 // an empty map takes the weights away
	RevisionID           string             // unless empty, the revision that is to be changed
}

// UpdateAlias changes an alias. The error is an *AliasNotFoundError, ErrRevisionMismatch, ErrUnpublished or ErrVersionProvisioned when the
// alias has provisioned concurrency, or one of CreateAlias.
func (s *Service) UpdateAlias(ctx context.Context, function Name, name string, u AliasUpdate) (Alias, error) {
	unlock, err := s.change(ctx, function)
	if err != nil {
		return Alias{}, err
	}
	defer unlock()
	a, err := s.Alias(ctx, function, name)
	if err != nil {
		return Alias{}, err
	}
	old, err := s.lookup(function)
	if err != nil {
		return Alias{}, err
	}
	if u.RevisionID != "" && u.RevisionID != a.RevisionID {
		return Alias{}, ErrRevisionMismatch
	}
	set(&a.Version, u.Version)
	set(&a.Description, u.Description)
	if u.Weights != nil {
		a.Weights = u.Weights
	}
	if err := old.checkAlias(a); err != nil {
		return Alias{}, err
	}
	if _, provisioned := old.provisioned[name]; provisioned {
		if a.Version == Latest {
			return Alias{}, ErrUnpublished
		}
		if err := old.checkProvisionedAlias(a.Version); err != nil {
			return Alias{}, err
		}
	}
	return s.putAlias(ctx, old, a)
}

// DeleteAlias removes an alias with its policy; one that is not there is no error. The error is a *NotFoundError of the
// function, or a failure of the store.
func (s *Service) DeleteAlias(ctx context.Context, function Name, name string) error {
	old, unlock, err := s.changeKnown(ctx, function)
	if err != nil {
		return err
	}
	defer unlock()
	if _, there := old.aliases[name]; !there {
		return nil
	}
	next := *old
	next.aliases, next.policies, next.eventConfigs = without(old.aliases, name), without(old.policies, name), without(old.eventConfigs, name)
	next.provisioned = without(old.provisioned, name)
	if err := s.commit(ctx, old, &next, nil, s.aliases.Remove(key(function, name), 0), s.policies.Remove(key(function, name), 0),
		s.eventConfigs.Remove(key(function, name), 0), s.provisionedConfigs.Remove(key(function, name), 0)); err != nil {
		return fmt.Errorf("delete alias %s of %s: %w", name, function.ARN(), err)
	}
	return nil
}

// with returns a copy of the map with one more or another value; without one that lacks a key.
func with[V any](m map[string]V, key string, value V) map[string]V {
	copied := make(map[string]V, len(m)+1)
	maps.Copy(copied, m)
	copied[key] = value
	return copied
}

func without[V any](m map[string]V, key string) map[string]V {
	copied := maps.Clone(m)
	delete(copied, key)
	return copied
}

// loadAliases reads the aliases of all functions into their entries.
func (s *Service) loadAliases(ctx context.Context) error {
	for item, err := range s.aliases.Scan(ctx, "") {
		if err != nil {
			return err
		}
		a := item.Value
		e := s.entries[a.Function]
		if e == nil {
			return fmt.Errorf("alias %s has no function", a.ARN())
		}
		e.aliases = with(e.aliases, a.Name, a)
	}
	return nil
}
