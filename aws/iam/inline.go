package iam

import (
	"context"
	"maps"
	"slices"

	"github.com/millrace/millrace/identity"
)

// inline returns a policy that an entity has of its own.
func (d *Door) inline(name identity.Name, policy string) (string, error) {
	e, err := d.Identities.Get(name)
	if err != nil {
		return "", translate(err)
	}
	text, ok := e.Inline[policy]
	if !ok {
		return "", translate(&identity.NotFoundError{What: "inline policy", Name: policy, Of: string(name.Kind)})
	}
	return encoded(text), nil
}

func (d *Door) inlineNames(name identity.Name, marker *string, most *int) (names []string, truncated *bool, next *string, err error) {
	e, err := d.Identities.Get(name)
	if err != nil {
		return nil, nil, nil, translate(err)
	}
	names, truncated, next = page(slices.Sorted(maps.Keys(e.Inline)), func(s string) string { return s }, marker, most)
	return append([]string{}, names...), truncated, next, nil
}

// PutRolePolicy gives a role a policy of its own.
func (d *Door) PutRolePolicy(ctx context.Context, in *PutRolePolicyRequest) error {
	return translate(d.Identities.PutInline(ctx, role(ctx, in.RoleName), in.PolicyName, in.PolicyDocument))
}

// GetRolePolicy shows one.
func (d *Door) GetRolePolicy(ctx context.Context, in *GetRolePolicyRequest) (*GetRolePolicyResponse, error) {
	text, err := d.inline(role(ctx, in.RoleName), in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &GetRolePolicyResponse{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: text}, nil
}

// ListRolePolicies lists the names of a role's own policies.
func (d *Door) ListRolePolicies(ctx context.Context, in *ListRolePoliciesRequest) (*ListRolePoliciesResponse, error) {
	names, truncated, next, err := d.inlineNames(role(ctx, in.RoleName), in.Marker, in.MaxItems)
	return &ListRolePoliciesResponse{PolicyNames: names, IsTruncated: truncated, Marker: next}, err
}

// DeleteRolePolicy takes one away.
func (d *Door) DeleteRolePolicy(ctx context.Context, in *DeleteRolePolicyRequest) error {
	return translate(d.Identities.DeleteInline(ctx, role(ctx, in.RoleName), in.PolicyName))
}

// PutUserPolicy gives a user a policy of its own.
func (d *Door) PutUserPolicy(ctx context.Context, in *PutUserPolicyRequest) error {
	return translate(d.Identities.PutInline(ctx, user(ctx, in.UserName), in.PolicyName, in.PolicyDocument))
}

// GetUserPolicy shows one.
func (d *Door) GetUserPolicy(ctx context.Context, in *GetUserPolicyRequest) (*GetUserPolicyResponse, error) {
	text, err := d.inline(user(ctx, in.UserName), in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &GetUserPolicyResponse{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: text}, nil
}

// ListUserPolicies lists the names of a user's own policies.
func (d *Door) ListUserPolicies(ctx context.Context, in *ListUserPoliciesRequest) (*ListUserPoliciesResponse, error) {
	names, truncated, next, err := d.inlineNames(user(ctx, in.UserName), in.Marker, in.MaxItems)
	return &ListUserPoliciesResponse{PolicyNames: names, IsTruncated: truncated, Marker: next}, err
}

// DeleteUserPolicy takes one away.
func (d *Door) DeleteUserPolicy(ctx context.Context, in *DeleteUserPolicyRequest) error {
	return translate(d.Identities.DeleteInline(ctx, user(ctx, in.UserName), in.PolicyName))
}

// PutGroupPolicy gives a group a policy of its own.
func (d *Door) PutGroupPolicy(ctx context.Context, in *PutGroupPolicyRequest) error {
	return translate(d.Identities.PutInline(ctx, group(ctx, in.GroupName), in.PolicyName, in.PolicyDocument))
}

// GetGroupPolicy shows one.
func (d *Door) GetGroupPolicy(ctx context.Context, in *GetGroupPolicyRequest) (*GetGroupPolicyResponse, error) {
	text, err := d.inline(group(ctx, in.GroupName), in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &GetGroupPolicyResponse{GroupName: in.GroupName, PolicyName: in.PolicyName, PolicyDocument: text}, nil
}

// ListGroupPolicies lists the names of a group's own policies.
func (d *Door) ListGroupPolicies(ctx context.Context, in *ListGroupPoliciesRequest) (*ListGroupPoliciesResponse, error) {
	names, truncated, next, err := d.inlineNames(group(ctx, in.GroupName), in.Marker, in.MaxItems)
	return &ListGroupPoliciesResponse{PolicyNames: names, IsTruncated: truncated, Marker: next}, err
}

// DeleteGroupPolicy takes one away.
func (d *Door) DeleteGroupPolicy(ctx context.Context, in *DeleteGroupPolicyRequest) error {
	return translate(d.Identities.DeleteInline(ctx, group(ctx, in.GroupName), in.PolicyName))
}
