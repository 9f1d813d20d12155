package iam

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

// tagActions are what a caller has to be allowed beside the operation when it gives tags.
var tagActions = map[string]string{"CreateRole": "TagRole", "CreateUser": "TagUser", "CreatePolicy": "TagPolicy"}

// access names the resource of each operation: the group, the role, the user or the policy that it is about, with its path.
func (d *Door) access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	members := protocol.Members(in)
	a := protocol.Access{Action: "iam:" + call.Operation, Resource: "*", Keys: map[string][]string{}}
	boundary := members["PermissionsBoundary"]
	name, named := d.subject(ctx, members)
	switch {
	case named:
		e, err := d.Identities.Get(name)
		if err != nil {
			a.Resource = entityARN(name, pathOr(members["Path"]))
			break
		}
		if a.Resource = e.ARN(); boundary == "" {
			boundary = e.Boundary // what is done to who has one can be allowed for that reason
		}
		tagged(&a, e.Tags)
	case members["PolicyArn"] != "":
		a.Resource = members["PolicyArn"]
		if p, err := d.Identities.Policy(call.Account, a.Resource); err == nil {
			tagged(&a, p.Tags)
		}
	case members["PolicyName"] != "":
		a.Resource = "arn:aws:iam::" + call.Account + ":policy" + pathOr(members["Path"]) + members["PolicyName"]
	case listed[call.Operation] != "":
		a.Resource = "arn:aws:iam::" + call.Account + ":" + listed[call.Operation] + pathOr(members["PathPrefix"])
	case members["PolicySourceArn"] != "":
		a.Resource = members["PolicySourceArn"]
	}
	if arn := members["PolicyArn"]; arn != "" {
		a.Keys["iam:policyarn"] = []string{arn}
	}
	if boundary != "" {
		a.Keys["iam:permissionsboundary"] = []string{boundary}
	}
	all := []protocol.Access{a}
	if to := d.renamed(name, members); named && to != "" {
		all = append(all, protocol.Access{Action: a.Action, Resource: to})
	}
	return all, nil
}

// subject is whom an operation is about. Some mean whoever calls when they name nobody.
func (d *Door) subject(ctx context.Context, members map[string]string) (identity.Name, bool) {
	call := protocol.CallFrom(ctx)
	switch {
	case members["GroupName"] != "":
		return group(ctx, members["GroupName"]), true
	case members["RoleName"] != "":
		return role(ctx, members["RoleName"]), true
	case members["UserName"] != "":
		return user(ctx, members["UserName"]), true
	case call.Operation == "GetAccessKeyLastUsed":
		k, err := d.Identities.Key(call.Account, members["AccessKeyId"])
		return user(ctx, k.User), err == nil && k.User != ""
	case ownUser[call.Operation]:
		n, err := self(ctx, nil)
		return n, err == nil && n.Name != ""
	}
	return identity.Name{}, false
}

// renamed is what a user or a group is to be called, empty when it keeps its name: its old one is not all that has to be allowed.
func (d *Door) renamed(name identity.Name, members map[string]string) string {
	path, to := members["NewPath"], members["NewUserName"]+members["NewGroupName"]
	if path == "" && to == "" {
		return ""
	}
	if e, err := d.Identities.Get(name); err == nil && path == "" {
		path = e.Path
	}
	if to != "" {
		name.Name = to
	}
	return entityARN(name, pathOr(path))
}

func entityARN(n identity.Name, path string) string {
	return "arn:aws:iam::" + n.Account + ":" + string(n.Kind) + path + n.Name
}

// tagged says which tags a resource has, by the name that all services have for them and by IAM's own.
func tagged(a *protocol.Access, tags []identity.Tag) {
	all := make(map[string]string, len(tags))
	for _, tag := range tags {
		all[tag.Key] = tag.Value
		a.Keys["iam:resourcetag/"+strings.ToLower(tag.Key)] = []string{tag.Value}
	}
	a.Tagged(all)
}

// listed are what lists are of.
var listed = map[string]string{"ListUsers": "user", "ListRoles": "role", "ListGroups": "group"}

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
