package lambda

import "context"

// GetAlias tells of an alias.
func (d *Door) GetAlias(ctx context.Context, in *GetAliasRequest) (*AliasConfiguration, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	a, err := d.Functions.Alias(ctx, ref.Name, in.Name)
	if err != nil {
		return nil, translate(err)
	}
	return aliasConfiguration(a), nil
}
