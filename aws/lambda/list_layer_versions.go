package lambda

import (
	"context"
	"strconv"

	"github.com/millrace/millrace/aws/protocol"
)

// ListLayerVersions lists the versions of a layer that fit, the newest first. A layer that is not there has none.
func (d *Door) ListLayerVersions(ctx context.Context, in *ListLayerVersionsRequest) (*ListLayerVersionsResponse, error) {
	name := layerName(ctx, in.LayerName)
	if err := ownLayer(ctx, name); err != nil {
		return nil, err
	}
	if err := checkListedRuntime(in.CompatibleRuntime); err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	below, _ := strconv.Atoi(after) // the first page has none
	list, more := d.Functions.LayerVersions(name, protocol.Value(in.CompatibleRuntime), protocol.Value(in.CompatibleArchitecture), below, pageSize(maxListedLayers, in.MaxItems))
	out := &ListLayerVersionsResponse{LayerVersions: make([]LayerVersionsListItem, len(list))}
	for i, l := range list {
		out.LayerVersions[i] = listedLayer(l)
	}
	if more {
		out.NextMarker = marker(strconv.Itoa(list[len(list)-1].Ref.Version))
	}
	return out, nil
}
