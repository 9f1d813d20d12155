package iam

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

// attached lists the managed policies of an entity, in the order in which they were attached.
func (d *Door) attached(name identity.Name, prefix, marker *string, most *int) (some []AttachedPolicy, truncated *bool, next *string, err error) {
	e, err := d.Identities.Get(name)
	if err != nil {
		return nil, nil, nil, translate(err)
	}
	all := []AttachedPolicy{}
	for _, arn := range e.Attached {
		p, err := d.Identities.Policy(name.Account, arn)
		if err == nil && strings.HasPrefix(p.Path, protocol.Value(prefix)) {
			all = append(all, AttachedPolicy{PolicyName: &p.Name, PolicyArn: new(arn)})
		}
	}
	for i := range all { // the marker is the last one shown, wherever it stands
		if marker != nil && *all[i].PolicyArn == *marker {
			all = all[i+1:]
			break
		}
	}
	some, truncated, next = page(all, func(p AttachedPolicy) string { return *p.PolicyArn }, nil, most)
	return some, truncated, next, nil
}

// AttachRolePolicy attaches a managed policy to a role.
func (d *Door) AttachRolePolicy(ctx context.Context, in *AttachRolePolicyRequest) error {
	return translateAttach(d.Identities.Attach(ctx, role(ctx, in.RoleName), in.PolicyArn), in.PolicyArn)
}

// DetachRolePolicy detaches one.
func (d *Door) DetachRolePolicy(ctx context.Context, in *DetachRolePolicyRequest) error {
	return translate(d.Identities.Detach(ctx, role(ctx, in.RoleName), in.PolicyArn))
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (d *Door) ListAttachedRolePolicies(ctx context.Context, in *ListAttachedRolePoliciesRequest) (*ListAttachedRolePoliciesResponse, error) {
	some, truncated, next, err := d.attached(role(ctx, in.RoleName), in.PathPrefix, in.Marker, in.MaxItems)
	return &ListAttachedRolePoliciesResponse{AttachedPolicies: some, IsTruncated: truncated, Marker: next}, err
}

// PutRolePermissionsBoundary limits what the policies of a role can allow.
func (d *Door) PutRolePermissionsBoundary(ctx context.Context, in *PutRolePermissionsBoundaryRequest) error {
	return translateAttach(d.Identities.SetBoundary(ctx, role(ctx, in.RoleName), in.PermissionsBoundary), in.PermissionsBoundary)
}

// DeleteRolePermissionsBoundary lifts that limit.
func (d *Door) DeleteRolePermissionsBoundary(ctx context.Context, in *DeleteRolePermissionsBoundaryRequest) error {
	return translate(d.Identities.SetBoundary(ctx, role(ctx, in.RoleName), ""))
}

// AttachUserPolicy attaches a managed policy to a user.
func (d *Door) AttachUserPolicy(ctx context.Context, in *AttachUserPolicyRequest) error {
	return translateAttach(d.Identities.Attach(ctx, user(ctx, in.UserName), in.PolicyArn), in.PolicyArn)
}

// DetachUserPolicy detaches one.
func (d *Door) DetachUserPolicy(ctx context.Context, in *DetachUserPolicyRequest) error {
	return translate(d.Identities.Detach(ctx, user(ctx, in.UserName), in.PolicyArn))
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (d *Door) ListAttachedUserPolicies(ctx context.Context, in *ListAttachedUserPoliciesRequest) (*ListAttachedUserPoliciesResponse, error) {
	some, truncated, next, err := d.attached(user(ctx, in.UserName), in.PathPrefix, in.Marker, in.MaxItems)
	return &ListAttachedUserPoliciesResponse{AttachedPolicies: some, IsTruncated: truncated, Marker: next}, err
}

// PutUserPermissionsBoundary limits what the policies of a user can allow.
func (d *Door) PutUserPermissionsBoundary(ctx context.Context, in *PutUserPermissionsBoundaryRequest) error {
	return translateAttach(d.Identities.SetBoundary(ctx, user(ctx, in.UserName), in.PermissionsBoundary), in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary lifts that limit.
func (d *Door) DeleteUserPermissionsBoundary(ctx context.Context, in *DeleteUserPermissionsBoundaryRequest) error {
	return translate(d.Identities.SetBoundary(ctx, user(ctx, in.UserName), ""))
}

// AttachGroupPolicy attaches a managed policy to a group.
func (d *Door) AttachGroupPolicy(ctx context.Context, in *AttachGroupPolicyRequest) error {
	return translateAttach(d.Identities.Attach(ctx, group(ctx, in.GroupName), in.PolicyArn), in.PolicyArn)
}

// DetachGroupPolicy detaches one.
func (d *Door) DetachGroupPolicy(ctx context.Context, in *DetachGroupPolicyRequest) error {
	return translate(d.Identities.Detach(ctx, group(ctx, in.GroupName), in.PolicyArn))
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (d *Door) ListAttachedGroupPolicies(ctx context.Context, in *ListAttachedGroupPoliciesRequest) (*ListAttachedGroupPoliciesResponse, error) {
	some, truncated, next, err := d.attached(group(ctx, in.GroupName), in.PathPrefix, in.Marker, in.MaxItems)
	return &ListAttachedGroupPoliciesResponse{AttachedPolicies: some, IsTruncated: truncated, Marker: next}, err
}
