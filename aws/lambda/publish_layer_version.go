package lambda

import (
	"context"
	"strings"

	"github.com/millrace/millrace/function"
)

// PublishLayerVersion makes the next version of a layer.
func (d *Door) PublishLayerVersion(ctx context.Context, in *PublishLayerVersionRequest) (*PublishLayerVersionResponse, error) {
	name := layerName(ctx, in.LayerName)
	if err := refuse(member{"Content.S3ObjectStorageMode REFERENCE", isReference(in.Content.S3ObjectStorageMode)}); err != nil {
		return nil, err
	}
	if err := ownLayer(ctx, name); err != nil {
		return nil, err
	}
	for _, runtime := range in.CompatibleRuntimes {
		if !function.KnownRuntime(runtime) {
			return nil, notInEnum("compatibleRuntimes", "["+strings.Join(in.CompatibleRuntimes, ", ")+"]", strings.Join(function.Runtimes(), ", "))
		}
	}
	zip, err := d.code(ctx, in.Content.ZipFile, in.Content.S3Bucket, in.Content.S3Key, in.Content.S3ObjectVersion)
	if err != nil {
		return nil, err
	}
	l := function.Layer{Ref: function.LayerRef{LayerName: name}, Runtimes: in.CompatibleRuntimes, Architectures: in.CompatibleArchitectures}
	assign(&l.Description, in.Description)
	assign(&l.LicenseInfo, in.LicenseInfo)
	if l, err = d.Functions.PublishLayer(ctx, l, zip); err != nil {
		return nil, translate(err)
	}
	return new(PublishLayerVersionResponse(*d.layer(ctx, l))), nil
}
