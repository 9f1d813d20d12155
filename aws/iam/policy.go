package iam

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

func (d *Door) policy(ctx context.Context, arn string) (*identity.Policy, error) {
	if !strings.HasPrefix(arn, "arn:") {
		return nil, fault(ErrorValidationError, "Invalid ARN:  Could not be parsed!")
	}
	p, err := d.Identities.Policy(role(ctx, "").Account, arn)
	return p, translate(err)
}

// show is a managed policy as clients see it.
func (d *Door) show(ctx context.Context, p *identity.Policy, whole bool) *Policy {
	account := role(ctx, "").Account
	out := &Policy{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: new(p.ARN()), Path: &p.Path, DefaultVersionId: new(p.DefaultVersion().ID()),
		AttachmentCount: new(len(d.Identities.Users(account, p.ARN(), identity.Attached))), PermissionsBoundaryUsageCount: new(len(d.Identities.Users(account, p.ARN(), identity.Bounding))),
		IsAttachable: new(true), CreateDate: &p.Created, UpdateDate: &p.Updated,
	}
	if whole {
		out.Description, out.Tags = protocol.Optional(p.Description), append([]Tag{}, showTags(p.Tags)...)
	}
	return out
}

// CreatePolicy makes a managed policy.
func (d *Door) CreatePolicy(ctx context.Context, in *CreatePolicyRequest) (*CreatePolicyResponse, error) {
	if err := checkPolicyTags(in.Tags); err != nil {
		return nil, err
	}
	p, err := d.Identities.CreatePolicy(ctx, identity.Policy{
		Account: role(ctx, "").Account, Name: in.PolicyName, Path: protocol.Value(in.Path), Description: protocol.Value(in.Description), Tags: readTags(in.Tags),
	}, in.PolicyDocument)
	if err != nil {
		return nil, translate(err)
	}
	out := d.show(ctx, p, false)
	out.Tags = showTags(p.Tags)
	return &CreatePolicyResponse{Policy: out}, nil
}

// GetPolicy shows a managed policy.
func (d *Door) GetPolicy(ctx context.Context, in *GetPolicyRequest) (*GetPolicyResponse, error) {
	p, err := d.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &GetPolicyResponse{Policy: d.show(ctx, p, true)}, nil
}

// ListPolicies lists managed policies, AWS's and the account's, a page at a time.
func (d *Door) ListPolicies(ctx context.Context, in *ListPoliciesRequest) (*ListPoliciesResponse, error) {
	scope := cmp.Or(protocol.Value(in.Scope), PolicyScopeTypeAll)
	all, more := d.Identities.Policies(role(ctx, "").Account, identity.Scope{
		AWS: scope != PolicyScopeTypeLocal, Local: scope != PolicyScopeTypeAws, OnlyAttached: protocol.Value(in.OnlyAttached), PathPrefix: protocol.Value(in.PathPrefix),
		OnlyBounding: protocol.Value(in.PolicyUsageFilter) == PolicyUsageTypePermissionsBoundary,
	}, protocol.Value(in.Marker), size(in.MaxItems))
	out := &ListPoliciesResponse{Policies: []Policy{}, IsTruncated: &more}
	for _, p := range all {
		out.Policies = append(out.Policies, *d.show(ctx, p, false))
	}
	out.Marker = after(all, (*identity.Policy).ARN, more)
	return out, nil
}

// DeletePolicy removes a managed policy that is attached to nothing.
func (d *Door) DeletePolicy(ctx context.Context, in *DeletePolicyRequest) error {
	return translate(d.Identities.DeletePolicy(ctx, role(ctx, "").Account, in.PolicyArn))
}

func showVersion(p *identity.Policy, v identity.Version, text bool) *PolicyVersion {
	out := &PolicyVersion{VersionId: new(v.ID()), IsDefaultVersion: new(v.Number == p.Default), CreateDate: &v.Created}
	if text {
		out.Document = new(encoded(v.Text))
	}
	return out
}

// CreatePolicyVersion adds a version to a managed policy.
func (d *Door) CreatePolicyVersion(ctx context.Context, in *CreatePolicyVersionRequest) (*CreatePolicyVersionResponse, error) {
	v, err := d.Identities.AddVersion(ctx, role(ctx, "").Account, in.PolicyArn, in.PolicyDocument, protocol.Value(in.SetAsDefault))
	if err != nil {
		return nil, translate(err)
	}
	return &CreatePolicyVersionResponse{PolicyVersion: &PolicyVersion{
		VersionId: new(v.ID()), IsDefaultVersion: new(protocol.Value(in.SetAsDefault)), CreateDate: &v.Created,
	}}, nil
}

// GetPolicyVersion shows a version with its document.
func (d *Door) GetPolicyVersion(ctx context.Context, in *GetPolicyVersionRequest) (*GetPolicyVersionResponse, error) {
	p, err := d.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, noVersion(err, in.PolicyArn, in.VersionId)
	}
	v, err := p.Version(in.VersionId)
	if err != nil {
		return nil, translate(err)
	}
	return &GetPolicyVersionResponse{PolicyVersion: showVersion(p, v, true)}, nil
}

// noVersion says of a version of a policy that is not there what is said of one that is not there of another.
func noVersion(err error, arn, version string) error {
	var e *protocol.Error
	if errors.As(err, &e) && e.Code == NoSuchEntityException {
		return translate(&identity.NotFoundError{What: "version", Name: version, Of: arn})
	}
	return err
}

// ListPolicyVersions lists the versions, the newest first. There are five at most, so one page holds them all.
func (d *Door) ListPolicyVersions(ctx context.Context, in *ListPolicyVersionsRequest) (*ListPolicyVersionsResponse, error) {
	p, err := d.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &ListPolicyVersionsResponse{Versions: []PolicyVersion{}, IsTruncated: new(false)}
	for _, v := range slices.Backward(p.Versions) {
		out.Versions = append(out.Versions, *showVersion(p, v, false))
	}
	return out, nil
}

// DeletePolicyVersion removes a version that does not count.
func (d *Door) DeletePolicyVersion(ctx context.Context, in *DeletePolicyVersionRequest) error {
	return translate(d.Identities.DeleteVersion(ctx, role(ctx, "").Account, in.PolicyArn, in.VersionId))
}

// SetDefaultPolicyVersion says which version counts.
func (d *Door) SetDefaultPolicyVersion(ctx context.Context, in *SetDefaultPolicyVersionRequest) error {
	return noVersion(translate(d.Identities.SetDefaultVersion(ctx, role(ctx, "").Account, in.PolicyArn, in.VersionId)), in.PolicyArn, in.VersionId)
}

// usage is what managed policies are used for.
var usage = map[string]identity.Usage{PolicyUsageTypePermissionsPolicy: identity.Attached, PolicyUsageTypePermissionsBoundary: identity.Bounding}

// ListEntitiesForPolicy lists the users, groups and roles to which a managed policy is attached, a page at a time.
func (d *Door) ListEntitiesForPolicy(ctx context.Context, in *ListEntitiesForPolicyRequest) (*ListEntitiesForPolicyResponse, error) {
	p, err := d.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(d.Identities.Users(role(ctx, "").Account, p.ARN(), usage[protocol.Value(in.PolicyUsageFilter)]), func(e *identity.Entity) bool {
		filter := protocol.Value(in.EntityFilter)
		return !strings.HasPrefix(e.Path, protocol.Value(in.PathPrefix)) || filter != "" && !strings.EqualFold(filter, string(e.Kind))
	})
	some, truncated, next := page(all, func(e *identity.Entity) string { return string(e.Kind) + "/" + e.Name.Name }, in.Marker, in.MaxItems)
	out := &ListEntitiesForPolicyResponse{PolicyGroups: []PolicyGroup{}, PolicyUsers: []PolicyUser{}, PolicyRoles: []PolicyRole{}, IsTruncated: truncated, Marker: next}
	for _, e := range some {
		switch e.Kind {
		case identity.User:
			out.PolicyUsers = append(out.PolicyUsers, PolicyUser{UserName: &e.Name.Name, UserId: &e.ID})
		case identity.Group:
			out.PolicyGroups = append(out.PolicyGroups, PolicyGroup{GroupName: &e.Name.Name, GroupId: &e.ID})
		default:
			out.PolicyRoles = append(out.PolicyRoles, PolicyRole{RoleName: &e.Name.Name, RoleId: &e.ID})
		}
	}
	return out, nil
}
