package protocol

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/aws/signature"
)

// An Authenticator decides whether to believe a signature, and whose it is.
type Authenticator interface {
	// Authenticate returns the caller. The body is the whole body of the request and must not be kept; it is nil when the
	// service reads it itself. Service is the one in whose name the request is answered. A *signature.Fault or an *Error
	// is the answer to a caller that is not believed.
	Authenticate(r *http.Request, body []byte, s *signature.Signature, service string) (Caller, error)
}

// Caller is who makes a request.
type Caller struct {
	// Account is the one whose resources are meant, of 12 digits.
	Account string
	// ARN and UserID are what GetCallerIdentity says.
	ARN, UserID string
	// Principal is whatever the Authorizer wants to know from the Authenticator.
	Principal any
	// Chain verifies the body of a request that is signed chunk by chunk; nil when there is nothing to verify.
	Chain *signature.Chain
}

// An Authorizer decides what a caller may do.
type Authorizer interface {
	// Authorize returns nil when the caller may do all of it, and a *Denied when not.
	Authorize(ctx context.Context, call Call, accesses ...Access) error
}

// Access is one thing that an operation does to one resource.
type Access struct {
	// Action is named as in policies: kinesis:PutRecord.
	Action string
	// Resource is an ARN, or * for what has none.
	Resource string
	// Policy is the policy of the resource itself, empty when there is none; Trust says that it is a role's, which has to
	// allow the access also within an account.
	Policy string
	Trust  bool
	// Keys are what conditions may ask for, beside what is known of every request.
	Keys map[string][]string
}

// Tagged says which tags the resource has, for conditions to ask for.
func (a *Access) Tagged(tags map[string]string) {
	if a.Keys == nil && len(tags) > 0 {
		a.Keys = map[string][]string{}
	}
	for key, value := range tags {
		a.Keys["aws:resourcetag/"+strings.ToLower(key)] = []string{value}
	}
}

// Denied says that the caller may not do what it asks for, in AWS's words.
type Denied struct{ Message string }

// Error returns the text.
func (d *Denied) Error() string { return d.Message }

// Open believes everyone. An access key id of twelve digits is the account; others belong to the account given.
type Open struct{ Account string }

// Authenticate returns the account and never fails.
func (o Open) Authenticate(_ *http.Request, _ []byte, s *signature.Signature, _ string) (Caller, error) {
	account := o.Account
	if IsAccount(s.AccessKeyID) {
		account = s.AccessKeyID
	}
	return Caller{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account}, nil
}

// IsAccount reports whether the text is the number of an account.
func IsAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// caller finds out who calls, or why nobody does.
func (x *exchange) caller(params url.Values) error {
	signed, fault := signature.Read(x.r, params)
	if fault != nil && fault.Kind == signature.Missing && x.service != nil && slices.Contains(x.service.Anonymous, x.call.Operation) {
		x.call.Region, x.call.Account = x.Region, x.Account
		return nil
	}
	if fault != nil {
		return fault
	}
	x.call.AccessKeyID = signed.AccessKeyID
	x.call.Region = x.Region
	if signature.IsRegion(signed.Region) {
		x.call.Region = signed.Region
	}
	name := ""
	if x.service != nil {
		name = x.service.Name
	}
	caller, err := x.Authenticator.Authenticate(x.r, x.signed(), &signed, name)
	if err != nil {
		return err
	}
	x.call.Account, x.call.Caller, x.call.authorizer = caller.Account, caller, x.Authorizer
	x.call.SourceAddr, x.call.UserAgent = x.r.RemoteAddr, x.r.UserAgent()
	if trace := x.r.Header.Get("X-Amzn-Trace-Id"); len(trace) <= maxTrace {
		x.call.Trace = trace
	}
	return nil
}

// authorize finds out whether the caller may have the operation carried out.
func (x *exchange) authorize(ctx context.Context, in Input) error {
	if x.call.authorizer == nil { // there is none, or nobody to be judged
		return nil
	}
	accesses, err := x.service.Accesses(ctx, in)
	if err != nil {
		return err
	}
	return x.call.Authorize(ctx, accesses...)
}
