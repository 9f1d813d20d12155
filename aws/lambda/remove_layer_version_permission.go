package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// RemoveLayerVersionPermission takes a statement out of the policy.
func (d *Door) RemoveLayerVersionPermission(ctx context.Context, in *RemoveLayerVersionPermissionRequest) error {
	ref, err := ownVersion(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return err
	}
	err = d.Functions.RemoveLayerPermission(ctx, ref, in.StatementId, protocol.Value(in.RevisionId))
	if errors.Is(err, function.ErrNoStatement) {
		return noStatement(in.StatementId)
	}
	return translateLayerPolicy(err)
}
