package identity

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

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
	Token   bool      // it is a session
	Issued  time.Time // when the session was given out
	Limits  Limits
	// Tags are those of the session, which go before those of its role. Transitive are the keys of those that are passed on to
	// the sessions that it asks for.
	Tags       []Tag
	Transitive []string
	Source     string // the identity that somebody vouched for who first asked for a session
	roleARN    string
}

// Limits are the policies that limit a session, beside those of who has it.
type Limits struct {
	Text     string   `json:"p,omitempty"`
	Policies []string `json:"pa,omitempty"` // ARNs of managed policies
}

func (l Limits) any() bool { return l.Text != "" || len(l.Policies) > 0 }

// IsRoot reports whether it is the account itself.
func (p *Principal) IsRoot() bool { return p.User == "" && p.Role == "" }

// RootPrincipal is an account itself.
func RootPrincipal(account string) Principal {
	return Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
}

// Find returns who has an access key, and the secret that his requests are signed with. Of a session the token is needed. The
// error is ErrUnknownKey or ErrExpired.
func (s *Service) Find(keyID, token string) (Principal, string, error) {
	if strings.HasPrefix(keyID, "ASIA") {
		return s.findSession(keyID, token)
	}
	s.mu.RLock()
	k := s.knownKeys[keyID]
	s.mu.RUnlock()
	if k == nil || k.Off || token != "" {
		return Principal{}, "", ErrUnknownKey
	}
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

// byID returns the entity that has an id, whatever it is called now, or nil.
func (s *Service) byID(id string) *Entity {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ids[id]
}

// findSession returns who has a session. One whose user or role is not there any more is nobody's.
func (s *Service) findSession(keyID, text string) (Principal, string, error) {
	t, err := s.open(keyID, text)
	if err != nil {
		return Principal{}, "", err
	}
	p := RootPrincipal(t.Account)
	p.Issued = t.Issued
	p.Token, p.Limits, p.Tags, p.Transitive, p.Source = true, t.Limits, t.Tags, t.Transitive, t.Source
	switch {
	case t.Role != "":
		e := s.byID(t.RoleID)
		if e == nil {
			return p, "", ErrUnknownKey
		}
		p.Role, p.RoleID, p.Session = e.Name.Name, e.ID, t.Name
		p.ARN, p.ID, p.roleARN = sessionARN(e.Account, e.Name.Name, t.Name), e.ID+":"+t.Name, e.ARN()
	case t.User != "":
		e := s.byID(t.UserID)
		if e == nil {
			return p, "", ErrUnknownKey
		}
		p.User, p.ARN, p.ID = e.Name.Name, e.ARN(), e.ID
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
	e := s.entityOf(p)
	if e == nil && !p.IsRoot() {
		return policy.NotInIdentity // it is not there any more, whatever others say of its name
	}
	var policies policy.Policies
	if e != nil {
		policies = s.policiesOf(e)
	}
	policies.Trust = a.Trust
	if p.Limits.any() {
		policies.Session = s.limits(p)
	}
	if a.Policy != "" {
		kind := policy.Resource
		if a.Trust {
			kind = policy.Trust
		}
		d, err := policy.Parse(a.Policy, kind)
		if err != nil && !p.IsRoot() {
			d = policy.Nothing() // nobody knows what it denies; the account itself can set it right
		}
		policies.Resource = d
	}
	return policy.Evaluate(policy.Request{
		Principal: policy.Principal{Account: p.Account, ARN: p.ARN, Role: p.roleARN, Root: p.IsRoot()},
		Action:    a.Action, Resource: a.Resource, Owner: a.Owner, Keys: p.keys(e, a.Keys),
	}, policies)
}

// entityOf is the user or the role of a principal, nil when there is none.
func (s *Service) entityOf(p *Principal) *Entity {
	switch {
	case p.User != "":
		e, _ := s.Get(Name{p.Account, User, p.User})
		return e
	case p.Role != "":
		return s.byID(p.RoleID)
	}
	return nil
}

// keys are what conditions may ask for: what is known of the request, and of the principal.
func (p *Principal) keys(e *Entity, given map[string][]string) map[string][]string {
	keys := maps.Clone(given)
	if keys == nil {
		keys = map[string][]string{}
	}
	keys["aws:principalarn"], keys["aws:principalaccount"] = []string{p.ARN}, []string{p.Account}
	keys["aws:userid"], keys["aws:viaawsservice"], keys["aws:principaltype"] = []string{p.ID}, []string{"false"}, []string{"Account"}
	switch {
	case p.User != "":
		keys["aws:username"], keys["aws:principaltype"] = []string{p.User}, []string{"User"}
	case p.Role != "":
		keys["aws:principalarn"], keys["aws:principaltype"] = []string{p.roleARN}, []string{"AssumedRole"}
	}
	keys["aws:principalisawsservice"] = []string{"false"}
	if p.Token {
		keys["aws:multifactorauthpresent"] = []string{"false"}
	}
	if !p.Issued.IsZero() {
		keys["aws:tokenissuetime"] = []string{p.Issued.UTC().Format(time.RFC3339)}
	}
	if p.Source != "" {
		keys["aws:sourceidentity"] = []string{p.Source}
	}
	var tags []Tag
	if e != nil {
		tags = e.Tags
	}
	for _, tag := range slices.Concat(tags, p.Tags) {
		keys["aws:principaltag/"+strings.ToLower(tag.Key)] = []string{tag.Value}
	}
	return keys
}

// limits are the policies of a session. One that is not there any more allows nothing.
func (s *Service) limits(p *Principal) *policy.Document {
	var all []*policy.Document
	if p.Limits.Text != "" {
		d, err := policy.Parse(p.Limits.Text, policy.Session)
		if err != nil {
			d = policy.Nothing()
		}
		all = append(all, d)
	}
	for _, arn := range p.Limits.Policies {
		if m := s.policy(arn, p.Account); m != nil {
			all = append(all, m.document)
		}
	}
	return policy.Join(all...)
}

// policiesOf collects the policies of an entity.
func (s *Service) policiesOf(e *Entity) (all policy.Policies) {
	s.collect(e, &all)
	for _, g := range s.GroupsOf(e) {
		s.collect(g, &all)
	}
	if e.Boundary != "" {
		all.Boundary = &policy.Document{}
		if p := s.policy(e.Boundary, e.Account); p != nil {
			all.Boundary = p.document
		}
	}
	return all
}

// collect adds the policies of one entity.
func (s *Service) collect(e *Entity, to *policy.Policies) {
	to.Identity = append(to.Identity, e.inline...)
	for _, arn := range e.Attached {
		if p := s.policy(arn, e.Account); p != nil {
			to.Identity = append(to.Identity, p.document)
		}
	}
}

// Trusts reports whether a role may be assumed by a service of AWS's, in the name of its own account.
func (s *Service) Trusts(role Name, service string) bool {
	e, err := s.Get(role)
	if err != nil {
		return false
	}
	now := s.clock.Now().UTC()
	return policy.Evaluate(policy.Request{
		Principal: policy.Principal{Service: service}, Action: "sts:AssumeRole", Resource: e.ARN(),
		Keys: map[string][]string{
			"aws:sourceaccount": {role.Account}, "aws:principalisawsservice": {"true"}, "aws:principalservicename": {service},
			"aws:currenttime": {now.Format(time.RFC3339)}, "aws:epochtime": {strconv.FormatInt(now.Unix(), 10)},
		},
	}, policy.Policies{Resource: e.trust, Trust: true}) == policy.Allowed
}
