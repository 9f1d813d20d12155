package iam

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

func readTags(tags []Tag) (out []identity.Tag) {
	for _, t := range tags {
		out = append(out, identity.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// checkTags judges the keys of tags of users and roles, which differ by more than their case.
func checkTags(tags []Tag) error {
	return checkKeys(tags, strings.ToLower, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
}

// checkPolicyTags judges the keys of tags of policies.
func checkPolicyTags(tags []Tag) error {
	return checkKeys(tags, func(key string) string { return key }, "Duplicate tag keys found.")
}

// checkKeys refuses keys that only AWS's own services set, and with the text those that are given twice once fold has
// been done to them.
func checkKeys(tags []Tag, fold func(string) string, twice string) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key := fold(t.Key)
		switch {
		case protocol.IsReservedTag(key):
			return fault(InvalidInputException, protocol.ReservedTag)
		case seen[key]:
			return fault(InvalidInputException, twice)
		}
		seen[key] = true
	}
	return nil
}

func showTags(tags []identity.Tag) (out []Tag) {
	for _, t := range tags {
		out = append(out, Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// tags shows a page of tags.
func tags(all []identity.Tag, marker *string, most *int) (some []Tag, truncated *bool, next *string) {
	some, truncated, next = page(showTags(all), func(t Tag) string { return t.Key }, marker, most)
	return append([]Tag{}, some...), truncated, next
}

func (d *Door) entityTags(name identity.Name, marker *string, most *int) (some []Tag, truncated *bool, next *string, err error) {
	e, err := d.Identities.Get(name)
	if err != nil {
		return nil, nil, nil, translate(err)
	}
	some, truncated, next = tags(e.Tags, marker, most)
	return some, truncated, next, nil
}

// TagRole adds tags to a role.
func (d *Door) TagRole(ctx context.Context, in *TagRoleRequest) error {
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return translate(d.Identities.Tag(ctx, role(ctx, in.RoleName), readTags(in.Tags)))
}

// UntagRole takes tags away.
func (d *Door) UntagRole(ctx context.Context, in *UntagRoleRequest) error {
	return translate(d.Identities.Untag(ctx, role(ctx, in.RoleName), in.TagKeys))
}

// ListRoleTags lists the tags of a role.
func (d *Door) ListRoleTags(ctx context.Context, in *ListRoleTagsRequest) (*ListRoleTagsResponse, error) {
	some, truncated, next, err := d.entityTags(role(ctx, in.RoleName), in.Marker, in.MaxItems)
	return &ListRoleTagsResponse{Tags: some, IsTruncated: truncated, Marker: next}, err
}

// TagUser adds tags to a user.
func (d *Door) TagUser(ctx context.Context, in *TagUserRequest) error {
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return translate(d.Identities.Tag(ctx, user(ctx, in.UserName), readTags(in.Tags)))
}

// UntagUser takes tags away.
func (d *Door) UntagUser(ctx context.Context, in *UntagUserRequest) error {
	return translate(d.Identities.Untag(ctx, user(ctx, in.UserName), in.TagKeys))
}

// ListUserTags lists the tags of a user.
func (d *Door) ListUserTags(ctx context.Context, in *ListUserTagsRequest) (*ListUserTagsResponse, error) {
	some, truncated, next, err := d.entityTags(user(ctx, in.UserName), in.Marker, in.MaxItems)
	return &ListUserTagsResponse{Tags: some, IsTruncated: truncated, Marker: next}, err
}

// TagPolicy adds tags to a managed policy.
func (d *Door) TagPolicy(ctx context.Context, in *TagPolicyRequest) error {
	if err := checkPolicyTags(in.Tags); err != nil {
		return err
	}
	return translate(d.Identities.TagPolicy(ctx, role(ctx, "").Account, in.PolicyArn, readTags(in.Tags)))
}

// UntagPolicy takes tags away.
func (d *Door) UntagPolicy(ctx context.Context, in *UntagPolicyRequest) error {
	return translate(d.Identities.UntagPolicy(ctx, role(ctx, "").Account, in.PolicyArn, in.TagKeys))
}

// ListPolicyTags lists the tags of a managed policy.
func (d *Door) ListPolicyTags(ctx context.Context, in *ListPolicyTagsRequest) (*ListPolicyTagsResponse, error) {
	p, err := d.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	some, truncated, next := tags(p.Tags, in.Marker, in.MaxItems)
	return &ListPolicyTagsResponse{Tags: some, IsTruncated: truncated, Marker: next}, nil
}
