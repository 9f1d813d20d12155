package iam

import (
	"context"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

// showRole is a role as clients see it. Lists leave out tags and boundary.
func showRole(e *identity.Entity, whole bool) *Role {
	r := &Role{
		Path: e.Path, RoleName: e.Name.Name, RoleId: e.ID, Arn: e.ARN(), CreateDate: e.Created,
		AssumeRolePolicyDocument: new(encoded(e.Trust)), Description: protocol.Optional(e.Description), MaxSessionDuration: new(int(e.MaxAge / time.Second)),
	}
	if whole {
		r.Tags, r.PermissionsBoundary, r.RoleLastUsed = showTags(e.Tags), showBoundary(e), &RoleLastUsed{}
	}
	return r
}

func showBoundary(e *identity.Entity) *AttachedPermissionsBoundary {
	if e.Boundary == "" {
		return nil
	}
	return &AttachedPermissionsBoundary{PermissionsBoundaryType: new("Policy"), PermissionsBoundaryArn: new(e.Boundary)}
}

// CreateRole makes a role.
func (d *Door) CreateRole(ctx context.Context, in *CreateRoleRequest) (*CreateRoleResponse, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	e, err := d.Identities.Create(ctx, identity.Entity{
		Name: role(ctx, in.RoleName), Path: protocol.Value(in.Path), Trust: in.AssumeRolePolicyDocument, Description: protocol.Value(in.Description),
		MaxAge: time.Duration(protocol.Value(in.MaxSessionDuration)) * time.Second, Boundary: protocol.Value(in.PermissionsBoundary), Tags: readTags(in.Tags),
	})
	if err != nil {
		return nil, translateAttach(err, protocol.Value(in.PermissionsBoundary))
	}
	r := showRole(e, true)
	r.RoleLastUsed, r.MaxSessionDuration = nil, nil
	return &CreateRoleResponse{Role: r}, nil
}

// GetRole shows a role.
func (d *Door) GetRole(ctx context.Context, in *GetRoleRequest) (*GetRoleResponse, error) {
	e, err := d.Identities.Get(role(ctx, in.RoleName))
	if err != nil {
		return nil, translate(err)
	}
	return &GetRoleResponse{Role: showRole(e, true)}, nil
}

// ListRoles lists the account's roles, a page at a time.
func (d *Door) ListRoles(ctx context.Context, in *ListRolesRequest) (*ListRolesResponse, error) {
	all, more := d.Identities.List(role(ctx, "").Account, identity.Role, protocol.Value(in.PathPrefix), protocol.Value(in.Marker), size(in.MaxItems))
	out := &ListRolesResponse{Roles: []Role{}, IsTruncated: &more}
	for _, e := range all {
		out.Roles = append(out.Roles, *showRole(e, false))
	}
	out.Marker = after(out.Roles, func(r Role) string { return r.RoleName }, more)
	return out, nil
}

// UpdateRole changes a role's description and how long its sessions may last.
func (d *Door) UpdateRole(ctx context.Context, in *UpdateRoleRequest) (*UpdateRoleResponse, error) {
	var lasts *time.Duration
	if in.MaxSessionDuration != nil {
		lasts = new(time.Duration(*in.MaxSessionDuration) * time.Second)
	}
	return &UpdateRoleResponse{}, translate(d.Identities.Describe(ctx, role(ctx, in.RoleName), in.Description, lasts))
}

// UpdateRoleDescription changes a role's description.
func (d *Door) UpdateRoleDescription(ctx context.Context, in *UpdateRoleDescriptionRequest) (*UpdateRoleDescriptionResponse, error) {
	if err := d.Identities.Describe(ctx, role(ctx, in.RoleName), &in.Description, nil); err != nil {
		return nil, translate(err)
	}
	e, err := d.Identities.Get(role(ctx, in.RoleName))
	if err != nil {
		return nil, translate(err)
	}
	r := showRole(e, true)
	r.RoleLastUsed, r.MaxSessionDuration = nil, nil
	return &UpdateRoleDescriptionResponse{Role: r}, nil
}

// DeleteRole removes a role on which nothing hangs.
func (d *Door) DeleteRole(ctx context.Context, in *DeleteRoleRequest) error {
	return translate(d.Identities.Delete(ctx, role(ctx, in.RoleName)))
}

// UpdateAssumeRolePolicy says who may assume a role.
func (d *Door) UpdateAssumeRolePolicy(ctx context.Context, in *UpdateAssumeRolePolicyRequest) error {
	return translate(d.Identities.SetTrust(ctx, role(ctx, in.RoleName), in.PolicyDocument))
}

// ListInstanceProfilesForRole shows none: there are no instances. Terraform asks before it deletes a role.
func (d *Door) ListInstanceProfilesForRole(ctx context.Context, in *ListInstanceProfilesForRoleRequest) (*ListInstanceProfilesForRoleResponse, error) {
	if _, err := d.Identities.Get(role(ctx, in.RoleName)); err != nil {
		return nil, translate(err)
	}
	return &ListInstanceProfilesForRoleResponse{InstanceProfiles: []InstanceProfile{}, IsTruncated: new(false)}, nil
}
