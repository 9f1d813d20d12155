package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// MaxPolicyBytes is the largest policy of a resource.
const MaxPolicyBytes = 20 << 10

// ErrNoPolicy says that a resource has no policy.
var ErrNoPolicy = errors.New("no policy")

// PolicyError says what is wrong with a policy.
type PolicyError struct{ Reason string }

func (e *PolicyError) Error() string { return "invalid policy: " + e.Reason }

// Actions that a policy of a stream, and one of a consumer, can be about.
var (
	streamActions   = []string{"DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards", "PutRecord", "PutRecords"}
	consumerActions = []string{"DescribeStreamConsumer", "SubscribeToShard"}
)

// PutPolicy gives a resource a policy, in place of the one it has. Policies are kept and not enforced: nobody who calls
// has an identity yet.
//
// Errors: NotFoundError, ConsumerNotFoundError, StateError, PolicyError.
func (s *Service) PutPolicy(ctx context.Context, r Resource, text string) error {
	return s.attach(ctx, r, func(d *resourceDocument) error {
		if err := checkPolicy(r, text); err != nil {
			return err
		}
		d.Policy = text
		return nil
	})
}

// Policy returns the policy of a resource, "" when it has none.
//
// Errors: NotFoundError, ConsumerNotFoundError.
func (s *Service) Policy(ctx context.Context, r Resource) (string, error) {
	d, err := s.attached(ctx, r)
	return d.Policy, err
}

// Attached returns all that is attached to a resource, read at once: its policy, "" when it has none, and its tags.
//
// Errors: NotFoundError, ConsumerNotFoundError.
func (s *Service) Attached(ctx context.Context, r Resource) (policy string, tags map[string]string, err error) {
	d, err := s.attached(ctx, r)
	return d.Policy, d.Tags, err
}

// DeletePolicy takes a resource's policy away.
//
// Errors: NotFoundError, ConsumerNotFoundError, StateError, ErrNoPolicy.
func (s *Service) DeletePolicy(ctx context.Context, r Resource) error {
	return s.attach(ctx, r, func(d *resourceDocument) error {
		if d.Policy == "" {
			return ErrNoPolicy
		}
		d.Policy = ""
		return nil
	})
}

// policyDocument is as much of a policy as is judged.
type policyDocument struct {
	Version   string
	Statement oneOrMore[policyStatement]
}

type policyStatement struct {
	Effect                 string
	Principal              json.RawMessage
	Action, Resource       oneOrMore[string]
	NotPrincipal           json.RawMessage
	NotAction, NotResource oneOrMore[string]
}

// oneOrMore is a list that may be written as its only element.
type oneOrMore[T any] []T

func (l *oneOrMore[T]) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(text, &(*l)[0])
}

// checkPolicy judges a policy: it must be a policy's JSON, and each statement must allow or deny somebody actions that
// make sense for this resource.
func checkPolicy(r Resource, text string) error {
	if len(text) > MaxPolicyBytes {
		return &PolicyError{fmt.Sprintf("larger than %d bytes", MaxPolicyBytes)}
	}
	var p policyDocument
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || json.Unmarshal([]byte(text), &p) != nil {
		return &PolicyError{"not the JSON of a policy"}
	}
	if p.Version != "" && p.Version != "2012-10-17" && p.Version != "2008-10-17" {
		return &PolicyError{"unknown Version"}
	}
	if len(p.Statement) == 0 {
		return &PolicyError{"no Statement"}
	}
	for i := range p.Statement {
		if reason := p.Statement[i].fault(r); reason != "" {
			return &PolicyError{reason}
		}
	}
	return nil
}

// fault returns what is wrong with a statement, or "".
func (st *policyStatement) fault(r Resource) string {
	switch {
	case st.Effect != "Allow" && st.Effect != "Deny":
		return "Effect must be Allow or Deny"
	case st.NotPrincipal != nil || st.NotAction != nil || st.NotResource != nil:
		return "NotPrincipal, NotAction and NotResource are not supported"
	case !principal(st.Principal):
		return "a statement needs a Principal"
	case len(st.Action) == 0:
		return "a statement needs an Action"
	}
	known := streamActions
	if !r.ofStream() {
		known = consumerActions
	}
	for _, action := range st.Action {
		service, pattern, _ := strings.Cut(action, ":")
		if !strings.EqualFold(service, "kinesis") || !slices.ContainsFunc(known, func(name string) bool { return matches(pattern, name) }) {
			return fmt.Sprintf("the action %s is not one for this resource", action)
		}
	}
	for _, resource := range st.Resource {
		if !matches(resource, r.ARN()) {
			return fmt.Sprintf("the resource %s is not the one that the policy is attached to", resource)
		}
	}
	return ""
}

// principal reports whether somebody is named: everybody as "*", or one or more of a kind.
func principal(text json.RawMessage) bool {
	var everybody string
	if json.Unmarshal(text, &everybody) == nil {
		return everybody == "*"
	}
	var kinds map[string]oneOrMore[string]
	if json.Unmarshal(text, &kinds) != nil || len(kinds) == 0 {
		return false
	}
	for _, named := range kinds {
		if len(named) == 0 || slices.Contains(named, "") {
			return false
		}
	}
	return true
}

// matches reports whether a pattern of a policy, in which * and ? are wild, fits a name. Case does not count.
func matches(pattern, name string) bool {
	// In path.Match a slash stops a star and brackets have a meaning, neither of which a policy knows.
	plain := strings.NewReplacer("/", "\x00", `\`, `\\`, "[", `\[`)
	ok, err := path.Match(plain.Replace(strings.ToLower(pattern)), strings.NewReplacer("/", "\x00").Replace(strings.ToLower(name)))
	return ok && err == nil
}
