package identity

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/store"
)

// Limits of managed policies; AWS's.
const (
	maxPolicies  = 1500 // of an account
	maxVersions  = 5
	managedBytes = 6144
)

// Policy is a managed policy: one that can be attached. Its slices are the room's; they are not changed.
type Policy struct {
	Account     string    `json:"-"` // "aws" for AWS's own
	Name        string    `json:"-"`
	Path        string    `json:"path"`
	ID          string    `json:"id"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Default     int       `json:"default"` // version
	Last        int       `json:"last"`    // version that was made last
	Versions    []Version `json:"versions"`
	Tags        []Tag     `json:"tags,omitempty"`

	document *policy.Document // of the default version
}

// Version is one state of a managed policy.
type Version struct {
	Number  int       `json:"number"`
	Text    string    `json:"text"`
	Created time.Time `json:"created"`
}

// ID is the number as AWS writes it.
func (v Version) ID() string { return fmt.Sprintf("v%d", v.Number) }

// ARN returns the policy's Amazon Resource Name.
func (p *Policy) ARN() string { return "arn:aws:iam::" + p.Account + ":policy" + p.Path + p.Name }

// Version returns a version by its id, or a *NotFoundError.
func (p *Policy) Version(id string) (Version, error) {
	for _, v := range p.Versions {
		if v.ID() == id {
			return v, nil
		}
	}
	return Version{}, &NotFoundError{"version", id, p.ARN()}
}

// DefaultVersion is the one that counts.
func (p *Policy) DefaultVersion() Version {
	v, _ := p.Version(Version{Number: p.Default}.ID())
	return v
}

func (p *Policy) read() error {
	d, err := policy.Parse(p.DefaultVersion().Text, policy.Identity)
	if err != nil {
		return &PolicyError{err.Error()}
	}
	p.document = d
	return nil
}

// policy returns a managed policy that an account may attach, or nil.
func (s *Service) policy(arn, account string) *Policy {
	if p := aws()[arn]; p != nil {
		return p
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.knownPolicies[arn]; p != nil && p.Account == account {
		return p
	}
	return nil
}

// Policy returns a managed policy, AWS's or the account's, or a *NotFoundError.
func (s *Service) Policy(account, arn string) (*Policy, error) {
	if p := s.policy(arn, account); p != nil {
		return p, nil
	}
	return nil, &NotFoundError{What: "policy", Name: arn}
}

// Scope says which managed policies a list is of.
type Scope struct {
	AWS, Local   bool
	OnlyAttached bool // to somebody, or somebody's boundary
	OnlyBounding bool
	PathPrefix   string
}

// Policies lists managed policies in the order of their ARNs, behind the one given; at most so many, and whether there
// are more.
func (s *Service) Policies(account string, scope Scope, after string, most int) ([]*Policy, bool) {
	var all []*Policy
	if scope.AWS {
		for _, p := range aws() {
			all = append(all, p)
		}
	}
	s.mu.RLock()
	for _, p := range s.knownPolicies {
		if scope.Local && p.Account == account {
			all = append(all, p)
		}
	}
	s.mu.RUnlock()
	all = slices.DeleteFunc(all, func(p *Policy) bool {
		return p.ARN() <= after || !strings.HasPrefix(p.Path, scope.PathPrefix) || scope.OnlyAttached && len(s.Users(account, p.ARN(), Anyhow)) == 0 ||
			scope.OnlyBounding && len(s.Users(account, p.ARN(), Bounding)) == 0
	})
	slices.SortFunc(all, func(a, b *Policy) int { return cmp.Compare(a.ARN(), b.ARN()) })
	return all[:min(len(all), most)], len(all) > most
}

// Usage is what a managed policy is used for.
type Usage int

// The usages.
const (
	Anyhow   Usage = iota
	Attached       // to somebody
	Bounding       // somebody, as a boundary
)

// Users returns the entities that use a policy, in the order of kind and name.
func (s *Service) Users(account, arn string, as Usage) (all []*Entity) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.known {
		if e.Account == account && (as != Bounding && slices.Contains(e.Attached, arn) || as != Attached && e.Boundary == arn) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *Entity) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name.Name, b.Name.Name))
	})
	return all
}

// CreatePolicy makes a managed policy, of which Account, Name, Path, Description and Tags are taken.
func (s *Service) CreatePolicy(ctx context.Context, p Policy, text string) (*Policy, error) {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	count := 0
	for _, other := range s.knownPolicies {
		if other.Account == p.Account {
			if count++; strings.EqualFold(other.Name, p.Name) {
				return nil, &ExistsError{"policy", p.Name}
			}
		}
	}
	if count >= maxPolicies {
		return nil, &LimitError{"PoliciesPerAccount", maxPolicies}
	}
	if p.Path == "" {
		p.Path = "/"
	}
	now := s.now()
	p.ID, p.Created, p.Updated, p.Default, p.Last = newID("ANPA"), now, now, 1, 1
	p.Versions = []Version{{Number: 1, Text: text, Created: now}}
	p.Tags = withTags(nil, p.Tags, sameLetters)
	return s.writePolicy(ctx, p, store.Absent)
}

func (s *Service) writePolicy(ctx context.Context, p Policy, ifRevision uint64) (*Policy, error) {
	for _, v := range p.Versions {
		if blackened(v.Text) > managedBytes || len(v.Text) > managedBytes+blankBytes {
			return nil, &LimitError{"PolicySize", managedBytes}
		}
	}
	if len(p.Tags) > maxTags {
		return nil, &LimitError{"TagsPerPolicy", maxTags}
	}
	if err := p.read(); err != nil {
		return nil, err
	}
	w, err := s.policies.Write(store.Key(p.Account, p.Name), p, ifRevision)
	if err == nil {
		err = s.commit(ctx, func(c *catalog) { c.knownPolicies[p.ARN()] = &p }, w)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", p.ARN(), err)
	}
	return &p, nil
}

// changePolicy makes a change to a policy of the account's. The function is handed a copy whose slices it replaces.
func (s *Service) changePolicy(ctx context.Context, account, arn string, f func(p *Policy) error) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	old, err := s.Policy(account, arn)
	switch {
	case err != nil:
		return err
	case old.Account != account:
		return ErrReadOnly
	}
	p := *old
	if err := f(&p); err != nil {
		return err
	}
	_, err = s.writePolicy(ctx, p, 0)
	return err
}

// AddVersion adds a version to a policy, perhaps as the one that counts.
func (s *Service) AddVersion(ctx context.Context, account, arn, text string, asDefault bool) (v Version, err error) {
	err = s.changePolicy(ctx, account, arn, func(p *Policy) error {
		if len(p.Versions) >= maxVersions {
			return &LimitError{"VersionsPerPolicy", maxVersions}
		}
		if _, err := policy.Parse(text, policy.Identity); err != nil {
			return &PolicyError{err.Error()}
		}
		now := s.now()
		p.Last++
		v = Version{Number: p.Last, Text: text, Created: now}
		p.Versions = append(slices.Clone(p.Versions), v)
		if p.Updated = now; asDefault {
			p.Default = v.Number
		}
		return nil
	})
	return v, err
}

// DeleteVersion removes one that does not count.
func (s *Service) DeleteVersion(ctx context.Context, account, arn, id string) error {
	return s.changePolicy(ctx, account, arn, func(p *Policy) error {
		v, err := p.Version(id)
		switch {
		case err != nil:
			return err
		case v.Number == p.Default:
			return &ConflictError{DefaultVersion}
		}
		p.Versions = slices.DeleteFunc(slices.Clone(p.Versions), func(other Version) bool { return other.Number == v.Number })
		return nil
	})
}

// SetDefaultVersion says which version counts.
func (s *Service) SetDefaultVersion(ctx context.Context, account, arn, id string) error {
	return s.changePolicy(ctx, account, arn, func(p *Policy) error {
		v, err := p.Version(id)
		p.Default, p.Updated = v.Number, s.now()
		return err
	})
}

// TagPolicy adds tags to a policy.
func (s *Service) TagPolicy(ctx context.Context, account, arn string, tags []Tag) error {
	return s.changePolicy(ctx, account, arn, func(p *Policy) error {
		p.Tags = withTags(p.Tags, tags, sameLetters)
		return nil
	})
}

// UntagPolicy takes tags away.
func (s *Service) UntagPolicy(ctx context.Context, account, arn string, keys []string) error {
	return s.changePolicy(ctx, account, arn, func(p *Policy) error {
		p.Tags = withoutTags(p.Tags, keys)
		return nil
	})
}

// DeletePolicy removes a policy that is attached to nothing and has one version.
func (s *Service) DeletePolicy(ctx context.Context, account, arn string) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	p, err := s.Policy(account, arn)
	switch {
	case err != nil:
		return err
	case p.Account != account:
		return ErrReadOnly
	case len(s.Users(account, arn, Anyhow)) > 0:
		return &ConflictError{Attachments}
	case len(p.Versions) > 1:
		return &ConflictError{OtherVersions}
	}
	err = s.commit(ctx, func(c *catalog) { delete(c.knownPolicies, arn) }, s.policies.Remove(store.Key(p.Account, p.Name), 0))
	if err != nil {
		return fmt.Errorf("delete %s: %w", arn, err)
	}
	return nil
}
