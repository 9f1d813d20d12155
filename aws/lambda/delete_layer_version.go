package lambda

import (
	"context"
)

// DeleteLayerVersion removes a version of a layer. One that is not there is no error.
func (d *Door) DeleteLayerVersion(ctx context.Context, in *DeleteLayerVersionRequest) error {
	ref, err := ownVersion(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return err
	}
	return translate(d.Functions.DeleteLayer(ctx, ref))
}
