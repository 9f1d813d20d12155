package function

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/millrace/millrace/internal/arn"
)

// LayerPermission is what a statement about a layer is made of.
type LayerPermission struct {
	Sid, Action, Principal, OrganizationID string
	RevisionID                             string // unless empty, the revision of the policy that is to be changed
}

func (p LayerPermission) statement(about LayerRef) (Statement, error) {
	var principal any = p.Principal
	switch {
	case p.Principal == "*":
	case isVersion(p.Principal):
		root := arn.ARN{Partition: arn.Partition(about.Region), Service: "iam", Account: p.Principal, Resource: "root"}
		principal = map[string]string{"AWS": root.String()}
	default:
		principal = map[string]string{"AWS": p.Principal}
	}
	var when *conditions
	if p.OrganizationID != "" {
		when = &conditions{StringEquals: &equals{PrincipalOrgID: p.OrganizationID}}
	}
	document, err := compactJSON(struct {
		Sid, Effect      string
		Principal        any
		Action, Resource string
		Condition        *conditions `json:",omitempty"`
	}{p.Sid, "Allow", principal, p.Action, about.ARN(), when})
	return Statement{Sid: p.Sid, Document: document}, err
}

// AddLayerPermission adds a statement to the policy of a version of a layer, and returns it with the policy's revision. The
// error is a *LayerNotFoundError, ErrStatementExists, ErrPolicyRevision, *PolicyTooLargeError, or a failure of the store.
func (s *Service) AddLayerPermission(ctx context.Context, about LayerRef, p LayerPermission) (statement Statement, revision string, err error) {
	statement, err = p.statement(about)
	if err != nil {
		return Statement{}, "", err
	}
	revision, err = s.changeLayerPolicy(ctx, about, p.RevisionID, func(policy *Policy) error {
		if slices.ContainsFunc(policy.Statements, func(s Statement) bool { return s.Sid == p.Sid }) {
			return ErrStatementExists
		}
		policy.Statements = append(slices.Clip(policy.Statements), statement)
		if size := len(policy.Document()); size > MaxPolicyBytes {
			return &PolicyTooLargeError{Size: size}
		}
		return nil
	})
	return statement, revision, err
}

// RemoveLayerPermission takes a statement out of a policy. The error is a *LayerNotFoundError, ErrNoStatement,
// ErrPolicyRevision, or a failure of the store.
func (s *Service) RemoveLayerPermission(ctx context.Context, about LayerRef, sid, revision string) error {
	_, err := s.changeLayerPolicy(ctx, about, revision, func(policy *Policy) error {
		i := slices.IndexFunc(policy.Statements, func(s Statement) bool { return s.Sid == sid })
		if i < 0 {
			return ErrNoStatement
		}
		policy.Statements = slices.Delete(slices.Clone(policy.Statements), i, i+1)
		return nil
	})
	return err
}

func (s *Service) changeLayerPolicy(ctx context.Context, about LayerRef, revision string, change func(*Policy) error) (string, error) {
	unlock, err := s.changeLayer(ctx, about.LayerName)
	if err != nil {
		return "", err
	}
	defer unlock()
	policy, err := s.LayerPolicy(about)
	if err != nil && !errors.Is(err, ErrNoPolicy) {
		return "", err
	}
	if revision != "" && revision != policy.RevisionID {
		return "", ErrPolicyRevision
	}
	if err := change(&policy); err != nil {
		return "", err
	}
	policy.RevisionID = uuid.NewString()
	write, err := s.layers.policies.Write(about.key(), keptLayerPolicy{about, policy}, 0)
	if len(policy.Statements) == 0 {
		write = s.layers.policies.Remove(about.key(), 0)
	}
	if err == nil {
		err = s.commitLayer(ctx, about.LayerName, func(_ context.Context, made bool) {
			if made {
				s.layers.setPolicy(about, policy)
			}
		}, write)
	}
	if err != nil {
		return "", fmt.Errorf("store policy of %s: %w", about.ARN(), err)
	}
	return policy.RevisionID, nil
}

// setPolicy makes a policy that of a version of a layer; one without statements is none.
func (l *layers) setPolicy(about LayerRef, p Policy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(p.Statements) == 0 {
		delete(l.names[about.LayerName].policies, about.Version)
	} else {
		l.names[about.LayerName].policies[about.Version] = p
	}
}

// LayerPolicy returns the policy of a version of a layer, a *LayerNotFoundError or ErrNoPolicy.
func (s *Service) LayerPolicy(about LayerRef) (Policy, error) {
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	if _, there := s.layers.find(about); !there {
		return Policy{}, &LayerNotFoundError{ARN: about.ARN()}
	}
	policy, there := s.layers.names[about.LayerName].policies[about.Version]
	if !there {
		return Policy{}, ErrNoPolicy
	}
	return policy, nil
}
