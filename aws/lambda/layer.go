package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
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
			return nil, &protocol.Error{Code: ValidationException, Message: fmt.Sprintf("1 validation error detected: Value '[%s]' at 'compatibleRuntimes' "+
				"failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [%s], Member must not be null]",
				strings.Join(in.CompatibleRuntimes, ", "), strings.Join(function.Runtimes(), ", "))}
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

// maxListedLayers is how many layers, or versions of one, a page has, when not asked for fewer.
const maxListedLayers = 50

// ListLayers lists the newest version of each layer that fits.
func (d *Door) ListLayers(ctx context.Context, in *ListLayersRequest) (*ListLayersResponse, error) {
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	call := protocol.CallFrom(ctx)
	list, more := d.Functions.Layers(call.Account, call.Region, optional(in.CompatibleRuntime), optional(in.CompatibleArchitecture), after, pageSize(in.MaxItems))
	out := &ListLayersResponse{Layers: make([]LayersListItem, len(list))}
	for i, l := range list {
		item := listedLayer(l)
		out.Layers[i] = LayersListItem{LayerName: &list[i].Ref.Name, LayerArn: new(l.Ref.LayerName.ARN()), LatestMatchingVersion: &item}
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].Ref.Name)
	}
	return out, nil
}

// ListLayerVersions lists the versions of a layer that fit, the newest first. A layer that is not there has none.
func (d *Door) ListLayerVersions(ctx context.Context, in *ListLayerVersionsRequest) (*ListLayerVersionsResponse, error) {
	name := layerName(ctx, in.LayerName)
	if err := ownLayer(ctx, name); err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	below, _ := strconv.Atoi(after) // the first page has none
	list, more := d.Functions.LayerVersions(name, optional(in.CompatibleRuntime), optional(in.CompatibleArchitecture), below, pageSize(in.MaxItems))
	out := &ListLayerVersionsResponse{LayerVersions: make([]LayerVersionsListItem, len(list))}
	for i, l := range list {
		out.LayerVersions[i] = listedLayer(l)
	}
	if more {
		out.NextMarker = marker(strconv.Itoa(list[len(list)-1].Ref.Version))
	}
	return out, nil
}

func pageSize(asked *int) int {
	if asked == nil {
		return maxListedLayers
	}
	return min(maxListedLayers, *asked)
}

func optional(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// DeleteLayerVersion removes a version of a layer. One that is not there is no error.
func (d *Door) DeleteLayerVersion(ctx context.Context, in *DeleteLayerVersionRequest) error {
	ref, err := layerVersion(ctx, in.LayerName, in.VersionNumber)
	if err == nil {
		err = ownLayer(ctx, ref.LayerName)
	}
	if err != nil {
		return err
	}
	return translate(d.Functions.DeleteLayer(ctx, ref))
}

// AddLayerVersionPermission lets others use a version of a layer.
func (d *Door) AddLayerVersionPermission(ctx context.Context, in *AddLayerVersionPermissionRequest) (*AddLayerVersionPermissionResponse, error) {
	ref, err := layerVersion(ctx, in.LayerName, in.VersionNumber)
	if err == nil {
		err = ownLayer(ctx, ref.LayerName)
	}
	if err != nil {
		return nil, err
	}
	p := function.LayerPermission{Sid: in.StatementId, Action: in.Action, Principal: in.Principal}
	assign(&p.OrganizationID, in.OrganizationId)
	assign(&p.RevisionID, in.RevisionId)
	added, revision, err := d.Functions.AddLayerPermission(ctx, ref, p)
	if errors.Is(err, function.ErrStatementExists) {
		return nil, conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", p.Sid)
	}
	if err != nil {
		return nil, translateLayerPolicy(err)
	}
	return &AddLayerVersionPermissionResponse{Statement: &added.Document, RevisionId: &revision}, nil
}

// GetLayerVersionPolicy returns the policy of a version of a layer.
func (d *Door) GetLayerVersionPolicy(ctx context.Context, in *GetLayerVersionPolicyRequest) (*GetLayerVersionPolicyResponse, error) {
	ref, err := layerVersion(ctx, in.LayerName, in.VersionNumber)
	if err == nil {
		err = ownLayer(ctx, ref.LayerName)
	}
	if err != nil {
		return nil, err
	}
	p, err := d.Functions.LayerPolicy(ref)
	if err != nil {
		return nil, translateLayerPolicy(err)
	}
	return &GetLayerVersionPolicyResponse{Policy: new(p.Document()), RevisionId: &p.RevisionID}, nil
}

// RemoveLayerVersionPermission takes a statement out of the policy.
func (d *Door) RemoveLayerVersionPermission(ctx context.Context, in *RemoveLayerVersionPermissionRequest) error {
	ref, err := layerVersion(ctx, in.LayerName, in.VersionNumber)
	if err == nil {
		err = ownLayer(ctx, ref.LayerName)
	}
	if err != nil {
		return err
	}
	err = d.Functions.RemoveLayerPermission(ctx, ref, in.StatementId, optional(in.RevisionId))
	if errors.Is(err, function.ErrNoStatement) {
		return &protocol.Error{Code: ResourceNotFoundException, Message: "Statement " + in.StatementId + " is not found in resource policy."}
	}
	return translateLayerPolicy(err)
}

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
