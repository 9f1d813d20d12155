package lambda

import "context"

// maxListedAliases is how many aliases a page has, when not asked for a number.
const maxListedAliases = 50

// ListAliases lists the aliases of a function, or of one version of it, in the order of their names.
func (d *Door) ListAliases(ctx context.Context, in *ListAliasesRequest) (*ListAliasesResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	limit, version := maxListedAliases, ""
	assign(&limit, in.MaxItems)
	assign(&version, in.FunctionVersion)
	list, more, err := d.Functions.Aliases(ctx, ref.Name, version, after, limit)
	if err != nil {
		return nil, translate(err)
	}
	out := &ListAliasesResponse{Aliases: make([]AliasConfiguration, len(list))}
	for i, a := range list {
		out.Aliases[i] = *aliasConfiguration(a)
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].Name)
	}
	return out, nil
}
