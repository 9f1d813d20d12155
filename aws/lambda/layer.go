package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
)

// translateLayerPolicy gives an error about the policies of layers its text.
func translateLayerPolicy(err error) error {
	var missing *function.LayerNotFoundError
	switch {
	case errors.As(err, &missing):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "Layer version " + missing.ARN + " does not exist."}
	case errors.Is(err, function.ErrPolicyRevision):
		return &protocol.Error{
			Code:    PreconditionFailedException,
			Message: "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id",
		}
	}
	return translate(err)
}

// layerName reads a layer's name or ARN, which validation has found to be one.
func layerName(ctx context.Context, s string) function.LayerName {
	call := protocol.CallFrom(ctx)
	a, err := arn.Parse(s)
	if err != nil {
		return function.LayerName{Account: call.Account, Region: call.Region, Name: s}
	}
	return function.LayerName{Account: a.Account, Region: a.Region, Name: strings.TrimPrefix(a.Resource, "layer:")}
}

// ownLayer answers for a layer of another account or region, where only one's own can be meant.
func ownLayer(ctx context.Context, name function.LayerName) error {
	call := protocol.CallFrom(ctx)
	switch {
	case name.Account != call.Account:
		return &protocol.Error{Code: AccessDeniedException, Status: 403}
	case name.Region != call.Region:
		return invalid("Layers from '%s' are not reachable in this region ('%s')", name.Region, call.Region)
	}
	return nil
}

func layerVersion(ctx context.Context, name string, version int64) (function.LayerRef, error) {
	if version < 1 {
		return function.LayerRef{}, invalid("Layer Version Cannot be less than 1.")
	}
	return function.LayerRef{LayerName: layerName(ctx, name), Version: int(version)}, nil
}

// layer describes a version of a layer as AWS does.
func (d *Door) layer(ctx context.Context, l function.Layer) *GetLayerVersionResponse {
	call := protocol.CallFrom(ctx)
	return &GetLayerVersionResponse{
		Content: &LayerVersionContentOutput{
			Location:   new(call.Scheme + "://" + call.Host + d.links.makeLayer(l.Ref)),
			CodeSha256: new(base64.StdEncoding.EncodeToString(l.CodeBlob[:])), CodeSize: &l.CodeSize,
		},
		LayerArn: new(l.Ref.LayerName.ARN()), LayerVersionArn: new(l.Ref.ARN()), Version: new(int64(l.Ref.Version)),
		Description: &l.Description, LicenseInfo: text(l.LicenseInfo), CreatedDate: new(l.Created.UTC().Format(lastModified)),
		CompatibleRuntimes: l.Runtimes, CompatibleArchitectures: l.Architectures,
	}
}

func listedLayer(l function.Layer) LayerVersionsListItem {
	return LayerVersionsListItem{
		LayerVersionArn: new(l.Ref.ARN()), Version: new(int64(l.Ref.Version)),
		Description: &l.Description, LicenseInfo: text(l.LicenseInfo), CreatedDate: new(l.Created.UTC().Format(lastModified)),
		CompatibleRuntimes: l.Runtimes, CompatibleArchitectures: l.Architectures,
	}
}
