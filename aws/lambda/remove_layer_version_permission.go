package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// RemoveLayerVersionPermission takes a statement out of the policy.
func (d *Door) RemoveLayerVersionPermission(ctx context.Context, in *RemoveLayerVersionPermissionRequest) error {
	ref, err := layerVersion(ctx, in.LayerName, in.VersionNumber)
	if err == nil {
		err = ownLayer(ctx, ref.LayerName)
	}
	if err != nil {
		return err
	}
	err = d.Functions.RemoveLayerPermission(ctx, ref, in.StatementId, protocol.Value(in.RevisionId))
	if errors.Is(err, function.ErrNoStatement) {
		return &protocol.Error{Code: ResourceNotFoundException, Message: "Statement " + in.StatementId + " is not found in resource policy."}
	}
	return translateLayerPolicy(err)
}
