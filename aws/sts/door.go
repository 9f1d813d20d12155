package sts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

// Door carries the operations out on the room's identities.
type Door struct {
	Identities *identity.Service
}

// New returns the service to hand to the dispatcher.
func New(identities *identity.Service) protocol.Service {
	d := &Door{Identities: identities}
	s := NewService(d)
	s.Access = d.access
	return s
}

func fault(code, text string) *protocol.Error { return &protocol.Error{Code: code, Message: text} }

// principal is who calls, as the room knows it.
func principal(ctx context.Context) identity.Principal {
	call := protocol.CallFrom(ctx)
	if p, ok := call.Caller.Principal.(*identity.Principal); ok {
		return *p
	}
	return identity.RootPrincipal(call.Account)
}

// readRole reads the ARN of a role.
func readRole(arn string) (identity.Name, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || !protocol.IsAccount(parts[4]) || !strings.HasPrefix(parts[5], "role/") {
		return identity.Name{}, fault(ErrorValidationError, arn+" is invalid")
	}
	return identity.Name{Account: parts[4], Kind: identity.Role, Name: arn[strings.LastIndexByte(arn, '/')+1:]}, nil
}

// access says what the operations do. Who one is may always be asked.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	assume, ok := in.(*AssumeRoleRequest)
	if !ok {
		return nil, nil
	}
	name, err := readRole(assume.RoleArn)
	if err != nil {
		return nil, err
	}
	// The trust of a role that is not there allows nothing.
	a := protocol.Access{Action: "sts:AssumeRole", Resource: assume.RoleArn, Policy: "{}", Trust: true, Keys: map[string][]string{
		"sts:rolesessionname": {assume.RoleSessionName},
	}}
	if assume.ExternalId != nil {
		a.Keys["sts:externalid"] = []string{*assume.ExternalId}
	}
	if e, err := d.Identities.Get(name); err == nil && e.ARN() == assume.RoleArn {
		a.Policy = e.Trust
	}
	return []protocol.Access{a}, nil
}

// denied is the answer to who may not assume a role, or assumes one that is not there.
func denied(ctx context.Context, arn string) error {
	return &protocol.Denied{Message: fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", principal(ctx).ARN, arn)}
}

func show(c identity.Credentials) *Credentials {
	return &Credentials{AccessKeyId: c.KeyID, SecretAccessKey: c.Secret, SessionToken: c.Token, Expiration: c.Expires}
}

// GetCallerIdentity says who calls.
func (d *Door) GetCallerIdentity(ctx context.Context, _ *GetCallerIdentityRequest) (*GetCallerIdentityResponse, error) {
	call := protocol.CallFrom(ctx)
	return &GetCallerIdentityResponse{UserId: &call.Caller.UserID, Account: &call.Account, Arn: &call.Caller.ARN}, nil
}

// AssumeRole gives out a session of a role.
func (d *Door) AssumeRole(ctx context.Context, in *AssumeRoleRequest) (*AssumeRoleResponse, error) {
	switch {
	case len(in.PolicyArns) > 0:
		return nil, unsupported("PolicyArns")
	case len(in.Tags) > 0 || len(in.TransitiveTagKeys) > 0:
		return nil, unsupported("Tags")
	case in.SerialNumber != nil || in.TokenCode != nil:
		return nil, unsupported("SerialNumber")
	case in.SourceIdentity != nil:
		return nil, unsupported("SourceIdentity")
	case len(in.ProvidedContexts) > 0:
		return nil, unsupported("ProvidedContexts")
	}
	name, err := readRole(in.RoleArn)
	if err != nil {
		return nil, err
	}
	e, err := d.Identities.Get(name)
	by := principal(ctx)
	if err != nil || e.ARN() != in.RoleArn {
		return nil, denied(ctx, in.RoleArn)
	}
	text := ""
	if in.Policy != nil {
		text = *in.Policy
	}
	s, err := d.Identities.AssumeRole(by, name, in.RoleSessionName, text, seconds(in.DurationSeconds, time.Hour))
	var malformed *identity.PolicyError
	switch {
	case errors.Is(err, identity.ErrDuration) && by.Role != "":
		return nil, fault(ErrorValidationError, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case errors.Is(err, identity.ErrDuration):
		return nil, fault(ErrorValidationError, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case errors.As(err, &malformed):
		return nil, fault(MalformedPolicyDocumentException, malformed.Reason)
	case err != nil:
		return nil, err
	}
	return &AssumeRoleResponse{Credentials: show(s.Credentials), AssumedRoleUser: &AssumedRoleUser{AssumedRoleId: s.ID, Arn: s.ARN}}, nil
}

// GetSessionToken gives out a session of the user who calls.
func (d *Door) GetSessionToken(ctx context.Context, in *GetSessionTokenRequest) (*GetSessionTokenResponse, error) {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, unsupported("SerialNumber")
	}
	by := principal(ctx)
	if by.Token {
		return nil, &protocol.Denied{Message: "Cannot call GetSessionToken with session credentials"}
	}
	c, err := d.Identities.UserSession(by, seconds(in.DurationSeconds, 12*time.Hour))
	if err != nil {
		return nil, err
	}
	return &GetSessionTokenResponse{Credentials: show(c)}, nil
}

// GetAccessKeyInfo says whose account an access key belongs to.
func (d *Door) GetAccessKeyInfo(ctx context.Context, in *GetAccessKeyInfoRequest) (*GetAccessKeyInfoResponse, error) {
	account, err := d.Identities.KeyAccount(in.AccessKeyId)
	if err != nil {
		return nil, fault(ErrorValidationError, "The access key "+in.AccessKeyId+" does not exist.")
	}
	return &GetAccessKeyInfoResponse{Account: &account}, nil
}

// unsupported refuses a member that is known and not carried out.
func unsupported(member string) error {
	return fault(ErrorValidationError, member+" is not supported.")
}

func seconds(given *int, fallback time.Duration) time.Duration {
	if given == nil {
		return fallback
	}
	return time.Duration(*given) * time.Second
}
