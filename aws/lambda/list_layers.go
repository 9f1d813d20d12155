package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// maxListedLayers is how many layers, or versions of one, a page has, when not asked for fewer.
const maxListedLayers = 50

// ListLayers lists the newest version of each layer that fits.
func (d *Door) ListLayers(ctx context.Context, in *ListLayersRequest) (*ListLayersResponse, error) {
	if err := checkListedRuntime(in.CompatibleRuntime); err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	call := protocol.CallFrom(ctx)
	list, more := d.Functions.Layers(call.Account, call.Region, protocol.Value(in.CompatibleRuntime), protocol.Value(in.CompatibleArchitecture), after, pageSize(maxListedLayers, in.MaxItems))
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
