package lambda

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// UpdateAlias changes an alias. Weights that are given replace those there are.
func (d *Door) UpdateAlias(ctx context.Context, in *UpdateAliasRequest) (*AliasConfiguration, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	u := function.AliasUpdate{Version: in.FunctionVersion, Description: in.Description}
	assign(&u.RevisionID, in.RevisionId)
	if in.RoutingConfig != nil {
		u.Weights = in.RoutingConfig.AdditionalVersionWeights
		if u.Weights == nil {
			u.Weights = map[string]float64{}
		}
	}
	a, err := d.Functions.UpdateAlias(ctx, ref.Name, in.Name, u)
	var missing *function.AliasNotFoundError
	if errors.As(err, &missing) {
		return nil, &protocol.Error{Code: ResourceNotFoundException, Message: "Alias not found: " + missing.ARN}
	}
	if err != nil {
		return nil, translate(err)
	}
	return aliasConfiguration(a), nil
}
