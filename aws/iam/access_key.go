package iam

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

func status(active bool) string {
	if active {
		return StatusTypeActive
	}
	return StatusTypeInactive
}

// CreateAccessKey makes an access key for a user. The secret is in this answer and in no other.
func (d *Door) CreateAccessKey(ctx context.Context, in *CreateAccessKeyRequest) (*CreateAccessKeyResponse, error) {
	name, err := self(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := d.Identities.CreateKey(ctx, name)
	if err != nil {
		return nil, translate(err)
	}
	return &CreateAccessKeyResponse{AccessKey: &AccessKey{
		UserName: k.User, AccessKeyId: k.ID, Status: status(k.Active), SecretAccessKey: k.Secret, CreateDate: &k.Created,
	}}, nil
}

// ListAccessKeys lists a user's access keys.
func (d *Door) ListAccessKeys(ctx context.Context, in *ListAccessKeysRequest) (*ListAccessKeysResponse, error) {
	name, err := self(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	if _, err := d.Identities.Get(name); err != nil && name.Name != "" {
		return nil, translate(err)
	}
	some, truncated, next := page(d.Identities.Keys(name), func(k identity.Key) string { return k.ID }, in.Marker, in.MaxItems)
	out := &ListAccessKeysResponse{AccessKeyMetadata: []AccessKeyMetadata{}, IsTruncated: truncated, Marker: next}
	for _, k := range some {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, AccessKeyMetadata{
			UserName: new(k.User), AccessKeyId: new(k.ID), Status: new(status(k.Active)), CreateDate: new(k.Created),
		})
	}
	return out, nil
}

// UpdateAccessKey says whether requests that are signed with a key are believed.
func (d *Door) UpdateAccessKey(ctx context.Context, in *UpdateAccessKeyRequest) error {
	name, err := self(ctx, in.UserName)
	if err != nil {
		return err
	}
	return translate(d.Identities.SetActive(ctx, name, in.AccessKeyId, in.Status == StatusTypeActive))
}

// DeleteAccessKey removes a key.
func (d *Door) DeleteAccessKey(ctx context.Context, in *DeleteAccessKeyRequest) error {
	name, err := self(ctx, in.UserName)
	if err != nil {
		return err
	}
	return translate(d.Identities.DeleteKey(ctx, name, in.AccessKeyId))
}

// GetAccessKeyLastUsed says when a key was used last since the server began.
func (d *Door) GetAccessKeyLastUsed(ctx context.Context, in *GetAccessKeyLastUsedRequest) (*GetAccessKeyLastUsedResponse, error) {
	k, err := d.Identities.Key(role(ctx, "").Account, in.AccessKeyId)
	if err != nil {
		return nil, &protocol.Denied{Message: "User: " + protocol.CallFrom(ctx).Caller.ARN +
			" is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key " + in.AccessKeyId}
	}
	out := &GetAccessKeyLastUsedResponse{UserName: protocol.Optional(k.User), AccessKeyLastUsed: &AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
	if k.Used != nil {
		out.AccessKeyLastUsed = &AccessKeyLastUsed{LastUsedDate: k.Used.At, ServiceName: k.Used.Service, Region: k.Used.Region}
	}
	return out, nil
}
