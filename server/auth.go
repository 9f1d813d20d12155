package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/s3"
	"github.com/millrace/millrace/aws/signature"
	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/topic"
)

// The modes in which callers are judged.
const (
	// AuthOpen believes everyone.
	AuthOpen = "open"
	// AuthSigned believes those who sign with a key that is known, and lets them do everything in their account.
	AuthSigned = "signed"
	// AuthIAM lets them do what their policies allow.
	AuthIAM = "iam"
)

// openDoor believes everyone. Whoever uses a key that is known is still called by his name.
type openDoor struct {
	protocol.Open
	identities *identity.Service
}

// Authenticate implements protocol.Authenticator.
func (o openDoor) Authenticate(r *http.Request, body []byte, s *signature.Signature, service string) (protocol.Caller, error) {
	if p, _, err := o.identities.Find(s.AccessKeyID, s.Token); err == nil {
		o.identities.Note(s.AccessKeyID, service, s.Region)
		return caller(&p), nil
	}
	return o.Open.Authenticate(r, body, s, service)
}

func caller(p *identity.Principal) protocol.Caller {
	return protocol.Caller{Account: p.Account, ARN: p.ARN, UserID: p.ID, Principal: p}
}

// guard believes those whose signature is right.
type guard struct {
	identities *identity.Service
	verifier   *signature.Verifier
}

// Authenticate implements protocol.Authenticator.
func (g guard) Authenticate(r *http.Request, body []byte, s *signature.Signature, service string) (protocol.Caller, error) {
	p, secret, err := g.identities.Find(s.AccessKeyID, s.Token)
	switch {
	case errors.Is(err, identity.ErrExpired):
		return protocol.Caller{}, &signature.Fault{Kind: signature.ExpiredToken}
	case err != nil:
		return protocol.Caller{}, &signature.Fault{Kind: signature.Unknown}
	}
	if s.Algorithm == signature.Version2 {
		s.Bucket = s3.HostBucket(r.Host)
	}
	chain, fault := g.verifier.Verify(r, body, s, service, secret)
	if fault != nil {
		return protocol.Caller{}, fault
	}
	g.identities.Note(s.AccessKeyID, service, s.Region)
	c := caller(&p)
	c.Chain = chain
	return c, nil
}

// judge lets callers do what their policies allow.
type judge struct {
	identities *identity.Service
	clock      clockwork.Clock
}

// Authorize implements protocol.Authorizer.
func (j judge) Authorize(_ context.Context, call protocol.Call, accesses ...protocol.Access) error {
	p, ok := call.Caller.Principal.(*identity.Principal)
	if !ok {
		return &protocol.Denied{Message: "User: anonymous is not authorized to perform: " + call.Service + ":" + call.Operation}
	}
	if p.Token && p.Role == "" && call.Service == "iam" { // AWS lets them in only with a second factor
		return &signature.Fault{Kind: signature.Unknown}
	}
	var common map[string][]string
	for _, a := range accesses {
		if common == nil {
			common = j.circumstances(&call)
		}
		ask := identity.Ask{Action: a.Action, Resource: a.Resource, Owner: owner(a.Resource), Policy: a.Policy, Trust: a.Trust, Keys: common}
		if len(a.Keys) > 0 {
			ask.Keys = map[string][]string{}
			for _, keys := range []map[string][]string{common, a.Keys} {
				for name, values := range keys {
					ask.Keys[strings.ToLower(name)] = values
				}
			}
		}
		if reason := j.identities.Decide(p, ask); reason != policy.Allowed {
			return denial(p.ARN, &a, reason)
		}
	}
	return nil
}

// denial is AWS's sentence.
func denial(who string, a *protocol.Access, reason policy.Reason) error {
	text := "User: " + who + " is not authorized to perform: " + a.Action
	if a.Resource != "*" {
		text += " on resource: " + a.Resource
	}
	if !a.Trust {
		text += reason.Because(a.Action)
	}
	return &protocol.Denied{Message: text}
}

// circumstances are the keys that conditions may ask for of any request.
func (j judge) circumstances(call *protocol.Call) map[string][]string {
	keys := moment(j.clock)
	keys["aws:securetransport"] = []string{strconv.FormatBool(call.Scheme == "https")}
	keys["aws:requestedregion"] = []string{call.Region}
	keys["aws:useragent"] = []string{call.UserAgent}
	if host, _, err := net.SplitHostPort(call.SourceAddr); err == nil {
		keys["aws:sourceip"] = []string{host}
	}
	return keys
}

// owner is the account that a resource belongs to, empty when its name does not say.
func owner(resource string) string {
	a, err := arn.Parse(resource)
	if err != nil || a.Account == "aws" {
		return ""
	}
	return a.Account
}

// authenticator is the one of the mode.
func (s *Server) authenticator() protocol.Authenticator {
	if s.config.Auth == AuthOpen {
		return openDoor{protocol.Open{Account: s.config.Account}, s.rooms.identities}
	}
	return guard{s.rooms.identities, s.verifier()}
}

// verifier judges signatures, which clients date by the wall clock, wherever a test has moved ours to.
func (s *Server) verifier() *signature.Verifier {
	if s.testClock != nil {
		return signature.NewVerifier(clockwork.NewRealClock(), 0)
	}
	return signature.NewVerifier(s.config.Clock, 0)
}

// pageService is what requests for our own pages are signed for, readAction and writeAction what a policy has to allow.
const (
	pageService = "millrace"
	readAction  = "millrace:Read"
	writeAction = "millrace:Write"
)

// mayUse reports whether somebody may see a page of ours, or change what it shows. They show what records and functions there are, so in the modes
// that judge callers who wants to see them signs with a key of the server's own account, as for any service. Pages that say nothing of that are for everyone.
func (s *Server) mayUse(r *http.Request) bool {
	path := r.URL.Path
	public := path == "/_millrace/health" || path == "/_localstack/health" || path == "/_millrace/ca.pem" || strings.HasPrefix(path, lambda.CodePath) ||
		strings.HasPrefix(path, topic.CertificatePrefix)
	if s.config.Auth == AuthOpen || public {
		return true
	}
	signed, fault := signature.Read(r, r.URL.Query())
	if fault != nil || r.ContentLength != 0 {
		return false
	}
	c, err := s.pageGuard.Authenticate(r, nil, &signed, pageService)
	if err != nil || c.Account != s.config.Account {
		return false
	}
	if s.config.Auth == AuthSigned {
		return true
	}
	call := protocol.Call{Account: c.Account, Region: signed.Region, Caller: c, SourceAddr: r.RemoteAddr, UserAgent: r.UserAgent()}
	action := readAction
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		action = writeAction
	}
	return judge{s.rooms.identities, s.config.Clock}.Authorize(r.Context(), call, protocol.Access{Action: action, Resource: "*"}) == nil
}
