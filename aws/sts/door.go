package sts

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	s.Access, s.TagActions = d.access, map[string]string{"AssumeRole": "TagSession"}
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

// access says what the operations do. Who one is may always be asked, and anybody may have a session of its own.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	assume, ok := in.(*AssumeRoleRequest)
	if !ok {
		if operation := protocol.CallFrom(ctx).Operation; operation != "GetCallerIdentity" && operation != "GetSessionToken" {
			return []protocol.Access{{Action: "sts:" + operation, Resource: "*"}}, nil
		}
		return nil, nil
	}
	name, err := readRole(assume.RoleArn)
	if err != nil {
		return nil, err
	}
	by := principal(ctx)
	// The trust of a role that is not there allows nothing.
	a := protocol.Access{Action: "sts:AssumeRole", Resource: assume.RoleArn, Policy: "{}", Trust: true, Keys: map[string][]string{
		"sts:rolesessionname": {assume.RoleSessionName},
	}}
	if assume.ExternalId != nil {
		a.Keys["sts:externalid"] = []string{*assume.ExternalId}
	}
	if assume.SourceIdentity != nil {
		a.Keys["sts:sourceidentity"] = []string{*assume.SourceIdentity}
	}
	if len(assume.TransitiveTagKeys) > 0 {
		a.Keys["sts:transitivetagkeys"] = assume.TransitiveTagKeys
	}
	if e, err := d.Identities.Get(name); err == nil && e.ARN() == assume.RoleArn {
		a.Policy = e.Trust
		tagged(&a, e.Tags)
	}
	all := []protocol.Access{a}
	// What a session passes on has to be let in like what it asks for.
	if len(by.Transitive) > 0 || len(assume.TransitiveTagKeys) > 0 {
		all = append(all, also(a, "sts:TagSession"))
	}
	if by.Source != "" || assume.SourceIdentity != nil {
		all = append(all, also(a, "sts:SetSourceIdentity"))
	}
	return all, nil
}

// also is another action on the same role.
func also(a protocol.Access, action string) protocol.Access {
	a.Action, a.Keys = action, maps.Clone(a.Keys)
	return a
}

// tagged says which tags a role has, by the name that all services have for them and by IAM's own.
func tagged(a *protocol.Access, tags []identity.Tag) {
	all := make(map[string]string, len(tags))
	for _, tag := range tags {
		all[tag.Key] = tag.Value
		a.Keys["iam:resourcetag/"+strings.ToLower(tag.Key)] = []string{tag.Value}
	}
	a.Tagged(all)
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
	case in.SerialNumber != nil || in.TokenCode != nil:
		return nil, unsupported("SerialNumber")
	case len(in.ProvidedContexts) > 0:
		return nil, unsupported("ProvidedContexts")
	}
	a, err := assumption(ctx, in)
	if err != nil {
		return nil, err
	}
	if e, err := d.Identities.Get(a.Role); err != nil || e.ARN() != in.RoleArn {
		return nil, denied(ctx, in.RoleArn)
	}
	s, err := d.Identities.AssumeRole(a)
	if err != nil {
		return nil, translate(err, a.By)
	}
	return &AssumeRoleResponse{
		Credentials: show(s.Credentials), AssumedRoleUser: &AssumedRoleUser{AssumedRoleId: s.ID, Arn: s.ARN}, SourceIdentity: protocol.Optional(s.Source),
	}, nil
}

// assumption reads what is asked for.
func assumption(ctx context.Context, in *AssumeRoleRequest) (identity.Assumption, error) {
	name, err := readRole(in.RoleArn)
	a := identity.Assumption{
		By: principal(ctx), Role: name, Session: in.RoleSessionName, Lasts: seconds(in.DurationSeconds, time.Hour),
		Limits: identity.Limits{Text: protocol.Value(in.Policy)}, Source: protocol.Value(in.SourceIdentity), Transitive: in.TransitiveTagKeys,
	}
	if err != nil {
		return a, err
	}
	for _, p := range in.PolicyArns {
		a.Limits.Policies = append(a.Limits.Policies, protocol.Value(p.Arn))
	}
	seen := map[string]bool{}
	for _, tag := range in.Tags {
		key := strings.ToLower(tag.Key)
		if seen[key] {
			return a, fault(codeInvalid, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[key] = true
		a.Tags = append(a.Tags, identity.Tag{Key: tag.Key, Value: tag.Value})
	}
	for _, key := range in.TransitiveTagKeys {
		if !seen[strings.ToLower(key)] {
			return a, fault(codeInvalid, "The specified transitive tag key must be included in the requested tags.")
		}
	}
	if a.By.Source != "" && a.Source != "" && a.By.Source != a.Source {
		return a, fault(codeInvalid, "The source identity of a session cannot be changed.")
	}
	return a, nil
}

const codeInvalid = "InvalidParameterValue"

// translate gives an error of the room AWS's code and text, in answer to who asked for a session.
func translate(err error, by identity.Principal) error {
	var malformed *identity.PolicyError
	var missing *identity.NotFoundError
	switch {
	case errors.Is(err, identity.ErrDuration) && by.Role != "":
		return fault(ErrorValidationError, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case errors.Is(err, identity.ErrDuration):
		return fault(ErrorValidationError, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case errors.Is(err, identity.ErrTag):
		return fault(codeInvalid, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
	case errors.Is(err, identity.ErrTooLarge):
		return fault(PackedPolicyTooLargeException, "Packed policy consumes more than 100% of allotted space, please use smaller policy.")
	case errors.As(err, &malformed):
		return fault(MalformedPolicyDocumentException, malformed.Reason)
	case errors.As(err, &missing) && missing.What == "policy":
		return fault(MalformedPolicyDocumentException, "Policy "+missing.Name+" is not there.")
	}
	return err
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
