package identity

import (
	"strings"

	"github.com/millrace/millrace/identity/policy"
)

// Trial is what requests have in common that nobody makes: it is asked what would become of them.
type Trial struct {
	// Of is whose policies count, nil for nobody's.
	Of *Entity
	// Policies count beside them, and Boundary instead of the one that there is; empty leaves that.
	Policies []string
	Boundary string
	// Caller is the ARN of who makes the request, when it is not who has the policies: a user.
	Caller string

	Owner  string // account of the resources; empty is the caller's own
	Policy string // of the resources
	Keys   map[string][]string
}

// Verdict is what would become of a request.
type Verdict struct {
	Reason policy.Reason
	// Bounded says that there is a boundary, and Within that it allows the request.
	Bounded, Within bool
	// Missing are the keys that conditions ask for and that are not known, as they are written there.
	Missing []string
}

// Try says what would become of requests, of which Action and Resource count. The error is a *PolicyError.
func (s *Service) Try(t Trial, asks []Ask) ([]Verdict, error) {
	p, err := s.called(&t)
	if err != nil {
		return nil, err
	}
	who := t.caller()
	keys := who.keys(t.Of, t.Keys)
	verdicts := make([]Verdict, len(asks))
	for i, a := range asks {
		r := policy.Request{
			Principal: policy.Principal{Account: who.Account, ARN: who.ARN, Role: who.roleARN},
			Action:    a.Action, Resource: a.Resource, Owner: t.Owner, Keys: keys,
		}
		verdicts[i] = Verdict{Reason: policy.Evaluate(r, p), Missing: policy.Unknown(r, p)}
		if p.Boundary != nil {
			verdicts[i].Bounded, verdicts[i].Within = true, p.Boundary.Allows(r)
		}
	}
	return verdicts, nil
}

// called are the policies that count.
func (s *Service) called(t *Trial) (p policy.Policies, err error) {
	if t.Of != nil {
		p = s.policiesOf(t.Of)
	}
	read := func(text string, kind policy.Kind) *policy.Document {
		d, wrong := policy.Parse(text, kind)
		if wrong != nil && err == nil {
			err = &PolicyError{wrong.Error()}
		}
		return d
	}
	for _, text := range t.Policies {
		p.Identity = append(p.Identity, read(text, policy.Identity))
	}
	if t.Boundary != "" {
		p.Boundary = read(t.Boundary, policy.Identity)
	}
	if t.Policy != "" {
		p.Resource = read(t.Policy, policy.Resource)
	}
	return p, err
}

// caller is who makes the requests.
func (t *Trial) caller() Principal {
	switch {
	case t.Caller != "":
		return userByARN(t.Caller)
	case t.Of == nil:
		return Principal{}
	}
	who := Principal{Account: t.Of.Account, ARN: t.Of.ARN(), ID: t.Of.ID}
	switch t.Of.Kind {
	case User:
		who.User = t.Of.Name.Name
	case Role:
		who.Role, who.roleARN = t.Of.Name.Name, t.Of.ARN()
	}
	return who
}

// userByARN is a user of whom no more is known than the name.
func userByARN(arn string) Principal {
	p := Principal{ARN: arn, User: arn[strings.LastIndexByte(arn, '/')+1:]}
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		p.Account = parts[4]
	}
	return p
}

// ByARN returns the user, the group or the role of an account that has an ARN, or a *NotFoundError.
func (s *Service) ByARN(account, arn string) (*Entity, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[4] == account {
		kind, _, _ := strings.Cut(parts[5], "/")
		name := Name{account, Kind(kind), arn[strings.LastIndexByte(arn, '/')+1:]}
		if e, err := s.Get(name); err == nil && e.ARN() == arn {
			return e, nil
		}
	}
	return nil, &NotFoundError{What: "entity", Name: arn}
}
