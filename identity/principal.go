package identity

import (
	"strings"

	"github.com/millrace/millrace/identity/policy"
)

// Principal is who makes a request, as its signature says.
type Principal struct {
	Account string
	User    string // name; empty for a session of a role, and for the account itself
	Role    string // name, of a session of a role
	RoleID  string // of the role when the session was given out
	Session string // its name
	ARN, ID string
	Token   bool   // it is a session
	Policy  string // that limits the session
	roleARN string
}

// IsRoot reports whether it is the account itself.
func (p *Principal) IsRoot() bool { return p.User == "" && p.Role == "" }

// RootPrincipal is an account itself.
func RootPrincipal(account string) Principal {
	return Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
}

// Find returns who has an access key, and the secret that his requests are signed with: for the service and the region
// that the credential is scoped to. Of a session the token is needed. The error is ErrUnknownKey or ErrExpired.
func (s *Service) Find(keyID, token, service, region string) (Principal, string, error) {
	if strings.HasPrefix(keyID, "ASIA") {
		return s.findSession(keyID, token)
	}
	s.mu.RLock()
	k := s.knownKeys[keyID]
	s.mu.RUnlock()
	if k == nil || k.Off || token != "" {
		return Principal{}, "", ErrUnknownKey
	}
	k.note(s.clock.Now(), service, region)
	p := RootPrincipal(k.Account)
	if k.User != "" {
		if err := s.asUser(&p, k.User); err != nil {
			return p, "", err
		}
	}
	return p, k.Secret, nil
}

// asUser makes the principal a user of its account.
func (s *Service) asUser(p *Principal, user string) error {
	e, err := s.Get(Name{p.Account, User, user})
	if err != nil {
		return ErrUnknownKey
	}
	p.User, p.ARN, p.ID = user, e.ARN(), e.ID
	return nil
}

func (s *Service) findSession(keyID, text string) (Principal, string, error) {
	t, err := s.open(keyID, text)
	if err != nil {
		return Principal{}, "", err
	}
	p := RootPrincipal(t.Account)
	p.Token, p.Policy = true, t.Policy
	switch {
	case t.Role != "":
		p.Role, p.RoleID, p.Session = t.Role, t.RoleID, t.Name
		p.ARN, p.ID = sessionARN(t.Account, t.Role, t.Name), t.RoleID+":"+t.Name
		p.roleARN = "arn:aws:iam::" + t.Account + ":role" + t.Path + t.Role
	case t.User != "":
		if err := s.asUser(&p, t.User); err != nil || p.ID != t.UserID {
			return p, "", ErrUnknownKey
		}
	}
	return p, t.Secret, nil
}

// RolePrincipal is a role as a service of AWS's acts in its name.
func (s *Service) RolePrincipal(role Name, session string) (Principal, error) {
	e, err := s.Get(role)
	if err != nil {
		return Principal{}, err
	}
	return Principal{
		Account: e.Account, Role: e.Name.Name, RoleID: e.ID, Session: session,
		ARN: sessionARN(e.Account, e.Name.Name, session), ID: e.ID + ":" + session, roleARN: e.ARN(),
	}, nil
}

// Ask is one thing that a principal wants to do.
type Ask struct {
	Action, Resource string
	Owner            string // account of the resource; empty is the principal's own
	// Policy is that of the resource, empty when it has none; Trust says that it is a role's.
	Policy string
	Trust  bool
	// Keys are what conditions may ask for, beside what is known of the principal. Names are in small letters.
	Keys map[string][]string
}

// Decide says whether a principal may do what it asks for.
func (s *Service) Decide(p *Principal, a Ask) policy.Reason {
	keys := map[string][]string{
		"aws:principalarn":     {p.ARN},
		"aws:principalaccount": {p.Account},
		"aws:userid":           {p.ID},
		"aws:principaltype":    {"Account"},
		"aws:viaawsservice":    {"false"},
	}
	for name, values := range a.Keys {
		keys[name] = values
	}
	policies := policy.Policies{Trust: a.Trust}
	var e *Entity
	switch {
	case p.User != "":
		e, _ = s.Get(Name{p.Account, User, p.User})
		keys["aws:username"], keys["aws:principaltype"] = []string{p.User}, []string{"User"}
	case p.Role != "":
		e, _ = s.Get(Name{p.Account, Role, p.Role})
		keys["aws:principalarn"], keys["aws:principaltype"] = []string{p.roleARN}, []string{"AssumedRole"}
		if e != nil && e.ID != p.RoleID {
			e = nil // another role of the same name
		}
	}
	if e != nil {
		s.gather(e, &policies)
		for _, tag := range e.Tags {
			keys["aws:principaltag/"+strings.ToLower(tag.Key)] = []string{tag.Value}
		}
	}
	if p.Policy != "" {
		policies.Session = readOrNothing(p.Policy, policy.Identity)
	}
	if a.Policy != "" {
		policies.Resource = readOrNothing(a.Policy, map[bool]policy.Kind{true: policy.Trust, false: policy.Resource}[a.Trust])
	}
	return policy.Evaluate(policy.Request{
		Principal: policy.Principal{Account: p.Account, ARN: p.ARN, Role: p.roleARN, Root: p.IsRoot()},
		Action:    a.Action, Resource: a.Resource, Owner: a.Owner, Keys: keys,
	}, policies)
}

// gather collects the policies of an entity.
func (s *Service) gather(e *Entity, to *policy.Policies) {
	to.Identity = append(to.Identity, e.inline...)
	for _, arn := range e.Attached {
		if p := s.policy(arn, e.Account); p != nil {
			to.Identity = append(to.Identity, p.document)
		}
	}
	if e.Boundary != "" {
		to.Boundary = &policy.Document{}
		if p := s.policy(e.Boundary, e.Account); p != nil {
			to.Boundary = p.document
		}
	}
}

// readOrNothing reads a policy. One that cannot be read allows nothing.
func readOrNothing(text string, kind policy.Kind) *policy.Document {
	d, err := policy.Parse(text, kind)
	if err != nil {
		return &policy.Document{}
	}
	return d
}

// Trusts reports whether a role may be assumed by a service of AWS's.
func (s *Service) Trusts(role Name, service string) bool {
	e, err := s.Get(role)
	if err != nil {
		return false
	}
	return policy.Evaluate(policy.Request{
		Principal: policy.Principal{Service: service}, Action: "sts:AssumeRole", Resource: e.ARN(),
	}, policy.Policies{Resource: e.trust, Trust: true}) == policy.Allowed
}
