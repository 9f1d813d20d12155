package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// GetLayerVersion tells of a version of a layer, and where it can be fetched for the next minutes.
func (d *Door) GetLayerVersion(ctx context.Context, in *GetLayerVersionRequest) (*GetLayerVersionResponse, error) {
	ref, err := layerVersion(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	return d.getLayer(ctx, ref)
}

// GetLayerVersionByArn is GetLayerVersion by another name.
func (d *Door) GetLayerVersionByArn(ctx context.Context, in *GetLayerVersionByArnRequest) (*GetLayerVersionResponse, error) {
	ref, ok := function.ParseLayer(in.Arn)
	if !ok {
		return nil, noLayer()
	}
	return d.getLayer(ctx, ref)
}

func (d *Door) getLayer(ctx context.Context, ref function.LayerRef) (*GetLayerVersionResponse, error) {
	l, err := d.Functions.Layer(protocol.CallFrom(ctx).Account, ref)
	var missing *function.LayerNotFoundError
	if errors.As(err, &missing) {
		return nil, noLayer()
	}
	if err != nil {
		return nil, translate(err)
	}
	return d.layer(ctx, l), nil
}

func noLayer() error {
	return &protocol.Error{Code: ResourceNotFoundException, Message: "The resource you requested does not exist."}
}
