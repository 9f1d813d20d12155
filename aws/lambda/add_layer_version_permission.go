package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/function"
)

// AddLayerVersionPermission lets others use a version of a layer.
func (d *Door) AddLayerVersionPermission(ctx context.Context, in *AddLayerVersionPermissionRequest) (*AddLayerVersionPermissionResponse, error) {
	ref, err := ownVersion(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	p := function.LayerPermission{Sid: in.StatementId, Action: in.Action, Principal: in.Principal}
	assign(&p.OrganizationID, in.OrganizationId)
	assign(&p.RevisionID, in.RevisionId)
	added, revision, err := d.Functions.AddLayerPermission(ctx, ref, p)
	if errors.Is(err, function.ErrStatementExists) {
		return nil, statementExists(p.Sid)
	}
	if err != nil {
		return nil, translateLayerPolicy(err)
	}
	return &AddLayerVersionPermissionResponse{Statement: &added.Document, RevisionId: &revision}, nil
}
