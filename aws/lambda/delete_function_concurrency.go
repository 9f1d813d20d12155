package lambda

import "context"

// DeleteFunctionConcurrency takes a reservation away; one that is not there is no error.
func (d *Door) DeleteFunctionConcurrency(ctx context.Context, in *DeleteFunctionConcurrencyRequest) error {
	name, err := d.whole(ctx, in.FunctionName)
	if err != nil {
		return err
	}
	return translate(d.Functions.DeleteConcurrency(ctx, name))
}
