package server

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/identity/policy"
	"github.com/millrace/millrace/internal/arn"
)

// lambdaService is whom a role has to trust that a function is to run as.
const lambdaService = "lambda.amazonaws.com"

// roles are those of the house as functions and mappings see them. What they act on may have policies of its own.
type roles struct {
	identities *identity.Service
	resources  *resources
}

// roleName takes the ARN of a role apart. A role that has another path is another role, and not there.
func (r roles) roleName(role string) (identity.Name, bool) {
	a, err := arn.Parse(role)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return identity.Name{}, false
	}
	name := identity.Name{Account: a.Account, Kind: identity.Role, Name: role[strings.LastIndexByte(role, '/')+1:]}
	e, err := r.identities.Get(name)
	return name, err == nil && e.ARN() == role
}

// Assumable implements function.Roles.
func (r roles) Assumable(account, role string) bool {
	name, ok := r.roleName(role)
	return ok && name.Account == account && r.identities.Trusts(name, lambdaService)
}

// Credentials implements process.CredentialSource.
func (r roles) Credentials(f function.Function, lasts time.Duration) (process.Credentials, error) {
	name, ok := r.roleName(f.Role)
	if !ok || name.Account != f.Account || !r.identities.Trusts(name, lambdaService) {
		return process.Credentials{}, function.ErrRole
	}
	s, err := r.identities.ServiceSession(name, f.Name.Name, lasts)
	return process.Credentials{AccessKeyID: s.KeyID, SecretAccessKey: s.Secret, SessionToken: s.Token}, err
}

// accounts gives functions credentials of their role if there is one, and otherwise of their account, where policies are
// not asked.
type accounts struct{ roles }

// Credentials implements process.CredentialSource.
func (a accounts) Credentials(f function.Function, lasts time.Duration) (process.Credentials, error) {
	c, err := a.roles.Credentials(f, lasts)
	if !errors.Is(err, function.ErrRole) {
		return c, err
	}
	s, err := a.identities.UserSession(identity.RootPrincipal(f.Account), lasts)
	return process.Credentials{AccessKeyID: s.KeyID, SecretAccessKey: s.Secret, SessionToken: s.Token}, err
}

// sender is whom a queue names as the sender of a notice: the session of the role in which Lambda sends it. A role that is not
// there, which only a server takes that does not ask for roles, is the account itself, as for its functions.
func (r roles) sender(n function.Notice, now time.Time) string {
	id := n.Account
	if name, ok := r.roleName(n.Role); ok {
		if e, err := r.identities.Get(name); err == nil {
			id = e.ID
		}
	}
	now = now.UTC()
	return id + ":awslambda_0_" + now.Format("20060102150405") + now.Format(".000")[1:]
}

// errNotAllowed says that a role may not do something.
var errNotAllowed = errors.New("role is not allowed to")

// may reports whether a role may do all of it to a resource.
func (r roles) may(role, resource string, actions ...string) error {
	name, ok := r.roleName(role)
	if !ok {
		return function.ErrRole
	}
	p, err := r.identities.RolePrincipal(name, "awslambda")
	if err != nil {
		return function.ErrRole
	}
	for _, action := range actions {
		ask := identity.Ask{
			Action: action, Resource: resource, Owner: owner(resource), Policy: r.resources.policyOf(context.Background(), resource), Keys: moment(r.resources.clock),
		}
		if r.identities.Decide(&p, ask) != policy.Allowed {
			return errNotAllowed
		}
	}
	return nil
}

// MayRead implements mapping.Permission. ListStreams, which AWS's text names too, is for its console alone.
func (r roles) MayRead(role, source string, consumer bool) error {
	name, _, _ := strings.Cut(source, "/consumer/")
	err := r.may(role, name, "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:ListShards")
	if consumer && err == nil {
		err = r.may(role, source, "kinesis:SubscribeToShard")
	}
	return err
}

// MaySend implements mapping.Permission.
func (r roles) MaySend(role, destination string) error {
	a, err := arn.Parse(destination)
	if err != nil {
		return err
	}
	switch a.Service {
	case "sqs":
		return r.may(role, destination, "sqs:SendMessage")
	case "sns":
		return r.may(role, destination, "sns:Publish")
	case "lambda":
		return r.may(role, destination, "lambda:InvokeFunction")
	case "s3":
		return r.may(role, destination+"/*", "s3:PutObject")
	}
	return errNotAllowed
}
