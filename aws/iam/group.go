package iam

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

func showGroup(e *identity.Entity) *Group {
	return &Group{Path: e.Path, GroupName: e.Name.Name, GroupId: e.ID, Arn: e.ARN(), CreateDate: e.Created}
}

func showGroups(all []*identity.Entity) []Group {
	out := []Group{}
	for _, e := range all {
		out = append(out, *showGroup(e))
	}
	return out
}

// CreateGroup makes a group.
func (d *Door) CreateGroup(ctx context.Context, in *CreateGroupRequest) (*CreateGroupResponse, error) {
	e, err := d.Identities.Create(ctx, identity.Entity{Name: group(ctx, in.GroupName), Path: protocol.Value(in.Path)})
	if err != nil {
		return nil, translate(err)
	}
	return &CreateGroupResponse{Group: showGroup(e)}, nil
}

// GetGroup shows a group and its users, a page at a time.
func (d *Door) GetGroup(ctx context.Context, in *GetGroupRequest) (*GetGroupResponse, error) {
	e, err := d.Identities.Get(group(ctx, in.GroupName))
	if err != nil {
		return nil, translate(err)
	}
	some, truncated, next := page(d.Identities.Members(e), entityName, in.Marker, in.MaxItems)
	out := &GetGroupResponse{Group: showGroup(e), Users: []User{}, IsTruncated: truncated, Marker: next}
	for _, u := range some {
		out.Users = append(out.Users, *showUser(u, false))
	}
	return out, nil
}

// ListGroups lists the account's groups, a page at a time.
func (d *Door) ListGroups(ctx context.Context, in *ListGroupsRequest) (*ListGroupsResponse, error) {
	all, more := d.Identities.List(group(ctx, "").Account, identity.Group, protocol.Value(in.PathPrefix), protocol.Value(in.Marker), size(in.MaxItems))
	return &ListGroupsResponse{Groups: showGroups(all), IsTruncated: &more, Marker: after(all, entityName, more)}, nil
}

// UpdateGroup gives a group another name or path.
func (d *Door) UpdateGroup(ctx context.Context, in *UpdateGroupRequest) error {
	return translate(d.Identities.Rename(ctx, group(ctx, in.GroupName), protocol.Value(in.NewGroupName), protocol.Value(in.NewPath)))
}

// DeleteGroup removes a group without users and policies.
func (d *Door) DeleteGroup(ctx context.Context, in *DeleteGroupRequest) error {
	return translate(d.Identities.Delete(ctx, group(ctx, in.GroupName)))
}

// AddUserToGroup makes a user a member of a group.
func (d *Door) AddUserToGroup(ctx context.Context, in *AddUserToGroupRequest) error {
	return translate(d.Identities.AddToGroup(ctx, group(ctx, in.GroupName), user(ctx, in.UserName)))
}

// RemoveUserFromGroup ends that.
func (d *Door) RemoveUserFromGroup(ctx context.Context, in *RemoveUserFromGroupRequest) error {
	return translate(d.Identities.RemoveFromGroup(ctx, group(ctx, in.GroupName), user(ctx, in.UserName)))
}
