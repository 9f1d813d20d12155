package lambda

import "context"

// maxListedVersions is how many versions a page has, when not asked for fewer.
const maxListedVersions = 50

// ListVersionsByFunction lists $LATEST and the published versions in the order of their numbers.
func (d *Door) ListVersionsByFunction(ctx context.Context, in *ListVersionsByFunctionRequest) (*ListVersionsByFunctionResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	list, more, err := d.Functions.Versions(ctx, ref.Name, after, pageSize(maxListedVersions, in.MaxItems))
	if err != nil {
		return nil, translate(err)
	}
	out := &ListVersionsByFunctionResponse{Versions: make([]FunctionConfiguration, len(list))}
	for i, f := range list {
		out.Versions[i] = listed(f, true)
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].Version)
	}
	return out, nil
}
