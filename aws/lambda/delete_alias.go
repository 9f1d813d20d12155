package lambda

import "context"

// DeleteAlias removes an alias; one that is not there is no error.
func (d *Door) DeleteAlias(ctx context.Context, in *DeleteAliasRequest) error {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return err
	}
	return translate(d.Functions.DeleteAlias(ctx, ref.Name, in.Name))
}
