package lambda

import (
	"context"
	"encoding/base64"

	"github.com/millrace/millrace/aws/protocol"
)

// maxListedFunctions is how many functions a page has, when not asked for fewer.
const maxListedFunctions = 50

// ListFunctions lists the account's functions of the region in the order of their names.
func (d *Door) ListFunctions(ctx context.Context, in *ListFunctionsRequest) (*ListFunctionsResponse, error) {
	// There are no replicas of other regions to list.
	if err := refuse(member{"MasterRegion", in.MasterRegion != nil && *in.MasterRegion != "ALL"}); err != nil {
		return nil, err
	}
	call := protocol.CallFrom(ctx)
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	limit := maxListedFunctions
	if in.MaxItems != nil {
		limit = min(limit, *in.MaxItems)
	}
	list, more, err := d.Functions.List(ctx, call.Account, call.Region, after, limit)
	if err != nil {
		return nil, translate(err)
	}
	out := &ListFunctionsResponse{Functions: make([]FunctionConfiguration, len(list))}
	for i, f := range list {
		out.Functions[i] = listed(f, in.FunctionVersion != nil)
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].Name.Name)
	}
	return out, nil
}

// marker stands for the page after the given key.
func marker(key string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(key)))
}

// readMarker returns the key that a marker stands for, "" for the first page.
func readMarker(m *string) (string, error) {
	if m == nil {
		return "", nil
	}
	key, err := base64.RawURLEncoding.DecodeString(*m)
	if err != nil {
		return "", invalid("Invalid Marker: %s", *m)
	}
	return string(key), nil
}
