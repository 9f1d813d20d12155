package iam

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

// access names the resource of each operation: the user, the role or the policy that it is about, with its path.
func access(identities *identity.Service) func(context.Context, protocol.Input) ([]protocol.Access, error) {
	return func(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
		call := protocol.CallFrom(ctx)
		a := protocol.Access{Action: "iam:" + call.Operation, Resource: "*"}
		kind, name := identity.User, ""
		if members := protocol.Members(in); members["PolicyArn"] != "" && members["RoleName"] == "" && members["UserName"] == "" {
			a.Resource = members["PolicyArn"]
		} else if members["RoleName"] != "" {
			kind, name = identity.Role, members["RoleName"]
		} else if name = members["UserName"]; name == "" && members["PolicyName"] != "" {
			a.Resource = "arn:aws:iam::" + call.Account + ":policy" + pathOr(members["Path"]) + members["PolicyName"]
		} else if n, err := self(ctx, nil); name == "" && err == nil && ownUser[call.Operation] {
			name = n.Name
		}
		if name != "" {
			n := identity.Name{Account: call.Account, Kind: kind, Name: name}
			if e, err := identities.Get(n); err == nil {
				a.Resource = e.ARN()
			} else {
				a.Resource = "arn:aws:iam::" + call.Account + ":" + string(kind) + pathOr(protocol.Members(in)["Path"]) + name
			}
		}
		if arn := protocol.Members(in)["PolicyArn"]; arn != "" {
			a.Keys = map[string][]string{"iam:policyarn": {arn}}
		}
		if arn := protocol.Members(in)["PermissionsBoundary"]; arn != "" {
			a.Keys = map[string][]string{"iam:permissionsboundary": {arn}}
		}
		return []protocol.Access{a}, nil
	}
}

// ownUser are the operations that mean whoever calls when they name nobody.
var ownUser = map[string]bool{
	"GetUser": true, "CreateAccessKey": true, "ListAccessKeys": true, "UpdateAccessKey": true, "DeleteAccessKey": true,
}

func pathOr(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
