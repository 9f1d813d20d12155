package iam

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

// showUser is a user as clients see it. Lists leave out tags and boundary.
func showUser(e *identity.Entity, whole bool) *User {
	u := &User{Path: e.Path, UserName: e.Name.Name, UserId: e.ID, Arn: e.ARN(), CreateDate: e.Created}
	if whole {
		u.Tags, u.PermissionsBoundary = showTags(e.Tags), showBoundary(e)
	}
	return u
}

// CreateUser makes a user.
func (d *Door) CreateUser(ctx context.Context, in *CreateUserRequest) (*CreateUserResponse, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	e, err := d.Identities.Create(ctx, identity.Entity{
		Name: user(ctx, in.UserName), Path: protocol.Value(in.Path), Boundary: protocol.Value(in.PermissionsBoundary), Tags: readTags(in.Tags),
	})
	if err != nil {
		return nil, translateAttach(err, protocol.Value(in.PermissionsBoundary))
	}
	return &CreateUserResponse{User: showUser(e, true)}, nil
}

// GetUser shows a user, or whoever asks.
func (d *Door) GetUser(ctx context.Context, in *GetUserRequest) (*GetUserResponse, error) {
	name, err := self(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	if name.Name == "" {
		return nil, errNobody
	}
	e, err := d.Identities.Get(name)
	if err != nil {
		return nil, translate(err)
	}
	return &GetUserResponse{User: showUser(e, true)}, nil
}

// ListUsers lists the account's users, a page at a time.
func (d *Door) ListUsers(ctx context.Context, in *ListUsersRequest) (*ListUsersResponse, error) {
	all, more := d.Identities.List(user(ctx, "").Account, identity.User, protocol.Value(in.PathPrefix), protocol.Value(in.Marker), size(in.MaxItems))
	out := &ListUsersResponse{Users: []User{}, IsTruncated: &more}
	for _, e := range all {
		out.Users = append(out.Users, *showUser(e, false))
	}
	out.Marker = after(out.Users, func(u User) string { return u.UserName }, more)
	return out, nil
}

// DeleteUser removes a user on which nothing hangs.
func (d *Door) DeleteUser(ctx context.Context, in *DeleteUserRequest) error {
	return translate(d.Identities.Delete(ctx, user(ctx, in.UserName)))
}

// UpdateUser gives a user another name or path.
func (d *Door) UpdateUser(ctx context.Context, in *UpdateUserRequest) error {
	return translate(d.Identities.Rename(ctx, user(ctx, in.UserName), protocol.Value(in.NewUserName), protocol.Value(in.NewPath)))
}

// ListGroupsForUser lists the groups that a user is a member of, a page at a time.
func (d *Door) ListGroupsForUser(ctx context.Context, in *ListGroupsForUserRequest) (*ListGroupsForUserResponse, error) {
	e, err := d.Identities.Get(user(ctx, in.UserName))
	if err != nil {
		return nil, translate(err)
	}
	some, truncated, next := page(d.Identities.GroupsOf(e), entityName, in.Marker, in.MaxItems)
	return &ListGroupsForUserResponse{Groups: showGroups(some), IsTruncated: truncated, Marker: next}, nil
}
