package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
)

// maxListedMappings is how many mappings a page has at most.
const maxListedMappings = 100

// ListEventSourceMappings lists mappings in the order of their UUIDs. A source or function that nothing is mapped to, or
// that does not exist, has none.
func (d *Door) ListEventSourceMappings(ctx context.Context, in *ListEventSourceMappingsRequest) (*ListEventSourceMappingsResponse, error) {
	call := protocol.CallFrom(ctx)
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	limit := maxListedMappings
	if in.MaxItems != nil {
		limit = min(limit, *in.MaxItems)
	}
	none := &ListEventSourceMappingsResponse{EventSourceMappings: []EventSourceMappingConfiguration{}}
	var filter mapping.Filter
	if in.EventSourceArn != nil {
		filter.Source = in.EventSourceArn
	}
	if in.FunctionName != nil {
		ref, err := function.ParseRef(*in.FunctionName, call.Account, call.Region)
		if err != nil {
			return none, nil //nolint:nilerr // the function of no mapping
		}
		filter.Function = &ref
	}
	list, more := d.Mappings.List(call.Account, call.Region, filter, after, limit)
	out := none
	for _, m := range list {
		out.EventSourceMappings = append(out.EventSourceMappings, *listedConfiguration(m))
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].UUID)
	}
	return out, nil
}
