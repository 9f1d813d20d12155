package lambda

import (
	"context"

	"github.com/millrace/millrace/function"
)

// PutProvisionedConcurrencyConfig asks for environments of a version or an alias that are initialized ahead. They are being
// so in the answer, and ready a moment later.
func (d *Door) PutProvisionedConcurrencyConfig(ctx context.Context, in *PutProvisionedConcurrencyConfigRequest) (*PutProvisionedConcurrencyConfigResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, &in.Qualifier)
	if err != nil {
		return nil, err
	}
	if ref.Qualifier == function.Latest {
		return nil, translate(function.ErrUnpublished)
	}
	p, err := d.Functions.PutProvisioned(ctx, ref, in.ProvisionedConcurrentExecutions)
	if err != nil {
		return nil, translate(err)
	}
	return new(PutProvisionedConcurrencyConfigResponse(*provisionedConcurrency(p))), nil
}

// GetProvisionedConcurrencyConfig tells how far a version or an alias is.
func (d *Door) GetProvisionedConcurrencyConfig(ctx context.Context, in *GetProvisionedConcurrencyConfigRequest) (*GetProvisionedConcurrencyConfigResponse, error) {
	ref, err := provisionable(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p, err := d.Functions.Provisioned(ctx, ref)
	if err != nil {
		return nil, translate(err)
	}
	return provisionedConcurrency(p), nil
}

// DeleteProvisionedConcurrencyConfig ends what is provisioned. Nothing to delete is no error.
func (d *Door) DeleteProvisionedConcurrencyConfig(ctx context.Context, in *DeleteProvisionedConcurrencyConfigRequest) error {
	ref, err := provisionable(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return err
	}
	return translate(d.Functions.DeleteProvisioned(ctx, ref))
}

// maxListedProvisioned is how many configurations a page has, when not asked for fewer.
const maxListedProvisioned = 50

// ListProvisionedConcurrencyConfigs lists what a function has provisioned, by qualifiers.
func (d *Door) ListProvisionedConcurrencyConfigs(ctx context.Context, in *ListProvisionedConcurrencyConfigsRequest) (*ListProvisionedConcurrencyConfigsResponse, error) {
	name, err := d.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	list, more, err := d.Functions.ProvisionedConfigs(ctx, name, after, pageSize(maxListedProvisioned, in.MaxItems))
	if err != nil {
		return nil, translate(err)
	}
	out := &ListProvisionedConcurrencyConfigsResponse{ProvisionedConcurrencyConfigs: make([]ProvisionedConcurrencyConfigListItem, len(list))}
	for i, p := range list {
		c := provisionedConcurrency(p)
		out.ProvisionedConcurrencyConfigs[i] = ProvisionedConcurrencyConfigListItem{
			FunctionArn: new(p.About.ARN()), LastModified: c.LastModified, Status: c.Status, StatusReason: c.StatusReason,
			RequestedProvisionedConcurrentExecutions: c.RequestedProvisionedConcurrentExecutions,
			AvailableProvisionedConcurrentExecutions: c.AvailableProvisionedConcurrentExecutions,
			AllocatedProvisionedConcurrentExecutions: c.AllocatedProvisionedConcurrentExecutions,
		}
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].About.Qualifier)
	}
	return out, nil
}

// provisionable reads a qualifier that can have provisioned concurrency: a version or an alias.
func provisionable(ctx context.Context, name, qualifier string) (function.Ref, error) {
	ref, err := functionRef(ctx, name, &qualifier)
	if err == nil && ref.Qualifier == function.Latest {
		err = invalid("The function resource provided must be an alias or a published version.")
	}
	return ref, err
}

// provisionedConcurrency describes what is provisioned as AWS does.
func provisionedConcurrency(p function.Provisioned) *GetProvisionedConcurrencyConfigResponse {
	return &GetProvisionedConcurrencyConfigResponse{
		RequestedProvisionedConcurrentExecutions: &p.Requested,
		AvailableProvisionedConcurrentExecutions: &p.Allocated,
		AllocatedProvisionedConcurrentExecutions: &p.Allocated,
		Status:                                   new(string(p.Status)), StatusReason: text(p.Reason), LastModified: new(p.LastModified.UTC().Format(lastModified)),
	}
}
