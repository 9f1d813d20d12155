package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
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
	case strings.HasPrefix(name.Name, "arn:"): // of another partition than its region
		return invalid("%s is not the ARN of a layer.", name.Name)
	case name.Account != call.Account:
		return &protocol.Error{Code: AccessDeniedException, Status: 403}
	case name.Region != call.Region:
		return invalid("Layers from '%s' are not reachable in this region ('%s')", name.Region, call.Region)
	}
	return nil
}

func layerVersion(ctx context.Context, name string, version int64) (function.LayerRef, error) {
	if version < 1 {
		return function.LayerRef{}, invalid("Layer Version Cannot be less than 1")
	}
	return function.LayerRef{LayerName: layerName(ctx, name), Version: int(version)}, nil
}

// ownVersion reads a version of a layer of one's own.
func ownVersion(ctx context.Context, name string, version int64) (function.LayerRef, error) {
	ref, err := layerVersion(ctx, name, version)
	if err == nil {
		err = ownLayer(ctx, ref.LayerName)
	}
	return ref, err
}

// notInEnum answers a value of a list that AWS words otherwise than its model has it.
func notInEnum(member, value, all string) error {
	return &protocol.Error{Code: ValidationException, Message: fmt.Sprintf(
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", value, member, all)}
}

// listableRuntimes are those that layers can be listed by, some of which nobody outside AWS has seen, in the order of its message.
const listableRuntimes = "ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, python2.7-greengrass, dotnetcore2.0, python3.8, java21, " +
	"dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, dotnetcore3.1, dotnet8, java25, java17, nodejs, nodejs4.3, java8.al2, go1.x, " +
	"dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, provided.al2023, nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, " +
	"python3.12, nodejs14.x, nodejs8.9, nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, nodejs18.x, " +
	"ruby3.2, python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, python2.7"

// checkListedRuntime judges the runtime that a list of layers is asked for by.
func checkListedRuntime(runtime *string) error {
	if runtime == nil || slices.Contains(strings.Split(listableRuntimes, ", "), *runtime) {
		return nil
	}
	return notInEnum("compatibleRuntime", *runtime, listableRuntimes)
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
