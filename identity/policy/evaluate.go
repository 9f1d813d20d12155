package policy

import (
	"slices"
	"strings"
)

// Principal is who asks.
type Principal struct {
	Account string
	// ARN is that of the user, of the session of a role, or of the account's root.
	ARN string
	// Role is the ARN of the role when ARN is that of its session.
	Role string
	// Service is set instead of ARN when a service of AWS's asks: lambda.amazonaws.com.
	Service string
	// Root says that it is the account itself.
	Root bool
}

// Request is what is to be decided.
type Request struct {
	Principal Principal
	Action    string // kinesis:PutRecord
	Resource  string // an ARN, or * for what has none
	// Owner is the account of the resource; empty means the principal's.
	Owner string
	// Keys are what conditions may ask for. Names are in small letters.
	Keys map[string][]string
}

// keyring looks keys up.
type keyring map[string][]string

func (k keyring) get(name string) []string { return k[strings.ToLower(name)] }

// Policies are all that have a say in a request.
type Policies struct {
	Identity []*Document
	// Boundary and Session limit what the principal's own policies allow, when they are there.
	Boundary *Document
	Session  *Document
	// Resource is the policy of the resource, nil when it has none.
	Resource *Document
	// Trust says that Resource is the trust policy of a role: it has to allow the request, also within one account.
	Trust bool
}

// Reason says what decided.
type Reason int

// The reasons for which a request is denied. Those of an explicit denial come first.
const (
	Allowed Reason = iota
	DeniedByIdentity
	DeniedByBoundary
	DeniedBySession
	DeniedByResource
	NotInIdentity
	NotInBoundary
	NotInSession
	NotInResource
)

// Explicit reports whether a policy denies the request in so many words.
func (r Reason) Explicit() bool { return r >= DeniedByIdentity && r <= DeniedByResource }

// because are the ends of AWS's sentences; % stands for the action.
var because = map[Reason]string{
	DeniedByIdentity: " with an explicit deny in an identity-based policy",
	DeniedByBoundary: " with an explicit deny in a permissions boundary",
	DeniedBySession:  " with an explicit deny in a session policy",
	DeniedByResource: " with an explicit deny in a resource-based policy",
	NotInIdentity:    " because no identity-based policy allows the % action",
	NotInBoundary:    " because no permissions boundary allows the % action",
	NotInSession:     " because no session policy allows the % action",
	NotInResource:    " because no resource-based policy allows the % action",
}

// Because is how AWS ends the sentence that denies an action, with a space before it.
func (r Reason) Because(action string) string { return strings.Replace(because[r], "%", action, 1) }

// Evaluate decides a request.
func Evaluate(r Request, p Policies) Reason {
	if reason := denied(&r, &p); reason != Allowed {
		return reason
	}
	granted := nobody
	if p.Resource != nil {
		granted = p.Resource.grants(&r)
	}
	same := r.Owner == "" || r.Owner == r.Principal.Account
	switch {
	case r.Principal.Service != "":
		if granted == nobody {
			return NotInResource
		}
		return Allowed
	case same && granted == itself:
		return Allowed
	case (!same || p.Trust) && granted == nobody:
		if own := own(&r, &p, false); own != Allowed && !p.Trust {
			return own
		}
		return NotInResource
	}
	return own(&r, &p, same && granted == widely)
}

// denied finds a policy that denies the request whatever others say.
func denied(r *Request, p *Policies) Reason {
	for _, d := range p.Identity {
		if d.says(r, false) {
			return DeniedByIdentity
		}
	}
	switch {
	case p.Boundary != nil && p.Boundary.says(r, false):
		return DeniedByBoundary
	case p.Session != nil && p.Session.says(r, false):
		return DeniedBySession
	case p.Resource != nil && p.Resource.denies(r):
		return DeniedByResource
	}
	return Allowed
}

// own decides by the principal's own policies. What the resource grants to its role or to everyone counts as if one of
// them did.
func own(r *Request, p *Policies, granted bool) Reason {
	if !granted && !r.Principal.Root {
		for _, d := range p.Identity {
			granted = granted || d.says(r, true)
		}
		if !granted {
			return NotInIdentity
		}
	}
	switch {
	case p.Boundary != nil && !p.Boundary.says(r, true):
		return NotInBoundary
	case p.Session != nil && !p.Session.says(r, true):
		return NotInSession
	}
	return Allowed
}

// Allows reports whether a statement of the policy of an identity allows the request.
func (d *Document) Allows(r Request) bool { return d.says(&r, true) }

// Unknown returns the keys that the policies ask for in conditions and that the request has not, as they are written, each once.
func Unknown(r Request, p Policies) (names []string) {
	seen := map[string]bool{}
	for _, d := range append(slices.Clone(p.Identity), p.Boundary, p.Session, p.Resource) {
		if d == nil {
			continue
		}
		for i := range d.Statements {
			for _, c := range d.Statements[i].conditions {
				if !seen[c.key] && len(r.Keys[c.key]) == 0 {
					names = append(names, c.name)
				}
				seen[c.key] = true
			}
		}
	}
	slices.Sort(names)
	return names
}

// says reports whether a statement of an identity's policy allows, or denies, the request.
func (d *Document) says(r *Request, allow bool) bool {
	for i := range d.Statements {
		if s := &d.Statements[i]; s.Allow == allow && s.matches(r) {
			return true
		}
	}
	return false
}

// grant is to whom a resource's policy gives something.
type grant int

const (
	nobody grant = iota
	wholly       // to the whole account, which decides further
	widely       // to everyone, or to the role of a session
	itself       // to the principal by its own name
)

func (d *Document) grants(r *Request) (most grant) {
	for i := range d.Statements {
		if s := &d.Statements[i]; s.Allow && s.matches(r) {
			most = max(most, s.forPrincipal(r))
		}
	}
	return most
}

func (d *Document) denies(r *Request) bool {
	for i := range d.Statements {
		if s := &d.Statements[i]; !s.Allow && s.matches(r) && s.forPrincipal(r) != nobody {
			return true
		}
	}
	return false
}

// forPrincipal reports how a statement of a resource's policy names the principal.
func (s *Statement) forPrincipal(r *Request) grant {
	if s.NotPrincipals != nil {
		if s.NotPrincipals.find(&r.Principal) == nobody {
			return widely
		}
		return nobody
	}
	return s.Principals.find(&r.Principal)
}

func (p *Principals) find(who *Principal) (most grant) {
	if p == nil {
		return nobody
	}
	if p.Everyone {
		most = widely
	}
	for _, name := range p.Services {
		if who.Service != "" && name == who.Service {
			return itself
		}
	}
	if who.Service != "" {
		return most
	}
	for _, name := range p.AWS {
		switch {
		case name == who.ARN:
			return itself
		case who.Role != "" && name == who.Role:
			most = max(most, widely)
		case name == who.Account, strings.HasPrefix(name, "arn:") && strings.HasSuffix(name, ":iam::"+who.Account+":root"):
			most = max(most, wholly)
		}
	}
	return most
}

// matches reports whether the statement is about the action, the resource, and the circumstances.
func (s *Statement) matches(r *Request) bool {
	if !s.forAction(strings.ToLower(r.Action)) || !s.forResource(r) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r.Keys) {
			return false
		}
	}
	return true
}

func (s *Statement) forAction(action string) bool {
	list, wanted := s.Actions, true
	if len(s.NotActions) > 0 {
		list, wanted = s.NotActions, false
	}
	for _, text := range list {
		if p, _ := pattern(text, false, nil); match(p, action) {
			return wanted
		}
	}
	return !wanted
}

func (s *Statement) forResource(r *Request) bool {
	list, wanted := s.Resources, true
	switch {
	case len(s.NotResources) > 0:
		list, wanted = s.NotResources, false
	case len(list) == 0: // a trust policy, or that of a resource that means itself
		return true
	}
	for _, text := range list {
		p, ok := pattern(text, s.variables, r.Keys)
		if !ok {
			if !wanted && s.Allow {
				return false // what is excepted is not known: so nothing is allowed
			}
			continue
		}
		if matchARN(p, r.Resource) {
			return wanted
		}
	}
	return !wanted
}
