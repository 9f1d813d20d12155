package function

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/store"
)

// MaxPolicyBytes bounds the policy of a function, a version or an alias, as a document.
const MaxPolicyBytes = 20480

// Policy says who may use a function, a version or an alias: each has its own. It is a value that nobody changes. Its
// JSON form is part of the store's format.
type Policy struct {
	RevisionID string
	Statements []Statement
}

// Statement is one permission of a policy.
type Statement struct {
	Sid string
	// Document is the statement as policies have it, in JSON.
	Document string
}

// Document returns the whole policy in JSON.
func (p Policy) Document() string {
	statements := make([]string, len(p.Statements))
	for i, s := range p.Statements {
		statements[i] = s.Document
	}
	return `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(statements, ",") + "]}"
}

// Permission is what a statement is made of. The strings that are empty ask for nothing.
type Permission struct {
	Sid, Action string
	// Principal is an account, an ARN of IAM, a service, or "*".
	Principal                        string
	SourceARN, SourceAccount         string
	EventSourceToken, PrincipalOrgID string
	FunctionURLAuthType              string
	InvokedViaFunctionURL            bool
	RevisionID                       string // unless empty, the revision of the policy that is to be changed
}

var principalARN = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:.+$`)

// principal returns the principal as policies name it, or ErrPrincipal.
func (p Permission) principal(region string) (any, error) {
	switch {
	case p.Principal == "*":
		return "*", nil
	case strings.HasSuffix(p.Principal, ".amazonaws.com") || strings.HasSuffix(p.Principal, ".amazonaws.com.cn"):
		return map[string]string{"Service": p.Principal}, nil
	case len(p.Principal) == 12 && isVersion(p.Principal):
		root := arn.ARN{Partition: arn.Partition(region), Service: "iam", Account: p.Principal, Resource: "root"}
		return map[string]string{"AWS": root.String()}, nil
	case principalARN.MatchString(p.Principal):
		return map[string]string{"AWS": p.Principal}, nil
	}
	return nil, ErrPrincipal
}

// conditions are in the order in which AWS writes them.
type conditions struct {
	StringEquals *equals           `json:",omitempty"`
	ArnLike      map[string]string `json:",omitempty"`
	Bool         map[string]string `json:",omitempty"`
}

type equals struct {
	SourceAccount    string `json:"AWS:SourceAccount,omitempty"`
	AuthType         string `json:"lambda:FunctionUrlAuthType,omitempty"`
	PrincipalOrgID   string `json:"aws:PrincipalOrgID,omitempty"`
	EventSourceToken string `json:"lambda:EventSourceToken,omitempty"`
}

func (p Permission) conditions() *conditions {
	c := &conditions{}
	if e := (equals{p.SourceAccount, p.FunctionURLAuthType, p.PrincipalOrgID, p.EventSourceToken}); e != (equals{}) {
		c.StringEquals = &e
	}
	if p.SourceARN != "" {
		c.ArnLike = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	if p.InvokedViaFunctionURL {
		c.Bool = map[string]string{"lambda:InvokedViaFunctionUrl": "true"}
	}
	if c.StringEquals == nil && c.ArnLike == nil && c.Bool == nil {
		return nil
	}
	return c
}

// statement returns the statement about a function, a version or an alias.
func (p Permission) statement(about Ref) (Statement, error) {
	principal, err := p.principal(about.Region)
	if err != nil {
		return Statement{}, err
	}
	document, err := compactJSON(struct {
		Sid, Effect      string
		Principal        any
		Action, Resource string
		Condition        *conditions `json:",omitempty"`
	}{p.Sid, "Allow", principal, p.Action, about.ARN(), p.conditions()})
	return Statement{Sid: p.Sid, Document: document}, err
}

// target looks up what a policy is about: the function, or what the qualifier names. The error is a *NotFoundError, also
// of a version, or an *AliasNotFoundError.
func (s *Service) target(ref Ref) (*entry, error) {
	e, err := s.lookup(ref.Name)
	switch {
	case ref.Qualifier == "":
		return e, err
	case isVersion(ref.Qualifier) || strings.Contains(ref.Qualifier, "$"):
		if e == nil || e.version(ref.Qualifier) == nil {
			return nil, &NotFoundError{ARN: ref.ARN()}
		}
		return e, nil
	}
	if e != nil {
		if _, there := e.aliases[ref.Qualifier]; there {
			return e, nil
		}
	}
	return nil, &AliasNotFoundError{ARN: ref.ARN()}
}

// CheckTarget returns the error of AddPermission when the reference means no function, version or alias.
func (s *Service) CheckTarget(ref Ref) error {
	_, err := s.target(ref)
	return err
}

// AddPermission adds a statement to the policy of a function, a version or an alias, and returns it. The error is one of
// a *NotFoundError, also of a version, an *AliasNotFoundError, ErrPolicyRevision, ErrPrincipal, ErrStatementExists,
// *PolicyTooLargeError, or a failure of the store.
func (s *Service) AddPermission(ctx context.Context, about Ref, p Permission) (Statement, error) {
	old, unlock, err := s.changeFound(ctx, about, s.target)
	if err != nil {
		return Statement{}, err
	}
	defer unlock()
	policy := old.policies[about.Qualifier]
	if p.RevisionID != "" && p.RevisionID != old.policyRevision(about.Qualifier) {
		return Statement{}, ErrPolicyRevision
	}
	statement, err := p.statement(about)
	if err != nil {
		return Statement{}, err
	}
	if slices.ContainsFunc(policy.Statements, func(s Statement) bool { return s.Sid == p.Sid }) {
		return Statement{}, ErrStatementExists
	}
	policy.Statements = append(slices.Clip(policy.Statements), statement)
	if size := len(policy.Document()); size > MaxPolicyBytes {
		return Statement{}, &PolicyTooLargeError{Size: size}
	}
	return statement, s.putPolicy(ctx, old, about, policy)
}

// policyRevision returns the revision that a first or further statement may be bound to: that of the policy, or, of an
// alias that has none yet, that of the alias.
func (e *entry) policyRevision(qualifier string) string {
	if p, there := e.policies[qualifier]; there {
		return p.RevisionID
	}
	return e.aliases[qualifier].RevisionID
}

// putPolicy stores a changed policy; one without statements is none.
func (s *Service) putPolicy(ctx context.Context, old *entry, about Ref, p Policy) error {
	next := *old
	var write store.Write
	if len(p.Statements) == 0 {
		next.policies = without(old.policies, about.Qualifier)
		write = s.policies.Remove(key(about.Name, about.Qualifier), 0)
	} else {
		p.RevisionID = uuid.NewString()
		next.policies = with(old.policies, about.Qualifier, p)
		var err error
		if write, err = s.policies.Write(key(about.Name, about.Qualifier), keptPolicy{about, p}, 0); err != nil {
			return err
		}
	}
	if err := s.commit(ctx, old, &next, nil, write); err != nil {
		return fmt.Errorf("store policy of %s: %w", about.ARN(), err)
	}
	return nil
}

// keptPolicy is a policy as the store keeps it.
type keptPolicy struct {
	About  Ref
	Policy Policy
}

// PolicyOf returns the policy of a function, a version or an alias, or ErrNoPolicy, also when that does not exist.
func (s *Service) PolicyOf(_ context.Context, about Ref) (Policy, error) {
	e, err := s.lookup(about.Name)
	if err != nil {
		return Policy{}, ErrNoPolicy
	}
	p, there := e.policies[about.Qualifier]
	if !there {
		return Policy{}, ErrNoPolicy
	}
	return p, nil
}

// RemovePermission takes a statement out of a policy. The error is one of a *NotFoundError, also of a version, an
// *AliasNotFoundError, ErrNoPolicy, ErrNoStatement, ErrPolicyRevision, or a failure of the store.
func (s *Service) RemovePermission(ctx context.Context, about Ref, sid, revision string) error {
	old, unlock, err := s.changeFound(ctx, about, s.target)
	if err != nil {
		return err
	}
	defer unlock()
	policy, there := old.policies[about.Qualifier]
	if !there {
		return ErrNoPolicy
	}
	i := slices.IndexFunc(policy.Statements, func(s Statement) bool { return s.Sid == sid })
	switch {
	case i < 0:
		return ErrNoStatement
	case revision != "" && revision != policy.RevisionID:
		return ErrPolicyRevision
	}
	policy.Statements = slices.Delete(slices.Clone(policy.Statements), i, i+1)
	return s.putPolicy(ctx, old, about, policy)
}

// loadPolicies reads all policies into the entries of their functions.
func (s *Service) loadPolicies(ctx context.Context) error {
	for item, err := range s.policies.Scan(ctx, "") {
		if err != nil {
			return err
		}
		about := item.Value.About
		e := s.entries[about.Name]
		if e == nil {
			return fmt.Errorf("policy of %s has no function", about.ARN())
		}
		e.policies = with(e.policies, about.Qualifier, item.Value.Policy)
	}
	return nil
}
