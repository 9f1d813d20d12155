package lambda

import (
	"context"
)

// GetLayerVersionPolicy returns the policy of a version of a layer.
func (d *Door) GetLayerVersionPolicy(ctx context.Context, in *GetLayerVersionPolicyRequest) (*GetLayerVersionPolicyResponse, error) {
	ref, err := ownVersion(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	p, err := d.Functions.LayerPolicy(ref)
	if err != nil {
		return nil, translateLayerPolicy(err)
	}
	return &GetLayerVersionPolicyResponse{Policy: new(p.Document()), RevisionId: &p.RevisionID}, nil
}
