package lambda

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// maxListedFunctions is how many functions a page has, when not asked for fewer.
const maxListedFunctions = 50

// ListFunctions lists the account's functions of the region in the order of their names, with all their versions if asked.
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
	all := in.FunctionVersion != nil // of which there is only ALL
	list, more, err := d.listFunctions(ctx, call, all, after, limit)
	if err != nil {
		return nil, translate(err)
	}
	out := &ListFunctionsResponse{Functions: make([]FunctionConfiguration, len(list))}
	for i, f := range list {
		out.Functions[i] = listed(f, all)
	}
	if more {
		last := list[len(list)-1]
		out.NextMarker = marker(last.Name.Name)
		if all {
			out.NextMarker = marker(last.Name.Name + ":" + last.Version)
		}
	}
	return out, nil
}

func (d *Door) listFunctions(ctx context.Context, call protocol.Call, all bool, after string, limit int) ([]function.Function, bool, error) {
	if !all {
		return d.Functions.List(ctx, call.Account, call.Region, after, limit)
	}
	name, version, _ := strings.Cut(after, ":")
	return d.Functions.ListAll(ctx, call.Account, call.Region, name, version, limit)
}

// markerPrefix begins what a marker says, so that a text which only happens to be base64 is none.
const markerPrefix = "after:"

var markerEncoding = base64.RawURLEncoding.Strict()

// marker stands for the page after the given key.
func marker(key string) *string {
	return new(markerEncoding.EncodeToString([]byte(markerPrefix + key)))
}

// readMarker returns the key that a marker stands for, "" for the first page.
func readMarker(m *string) (string, error) {
	if m == nil || *m == "" {
		return "", nil
	}
	text, err := markerEncoding.DecodeString(*m)
	key, ok := strings.CutPrefix(string(text), markerPrefix)
	if err != nil || !ok {
		return "", invalid("Invalid Marker: %s", *m)
	}
	return key, nil
}

// pageSize is how many things a page has: the most, or fewer when that is asked for.
func pageSize(most int, asked *int) int {
	if asked == nil {
		return most
	}
	return min(most, *asked)
}
