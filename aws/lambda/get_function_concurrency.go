package lambda

import "context"

// GetFunctionConcurrency tells what is reserved for a function: nothing is an empty answer.
func (d *Door) GetFunctionConcurrency(ctx context.Context, in *GetFunctionConcurrencyRequest) (*GetFunctionConcurrencyResponse, error) {
	name, err := d.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	a, err := d.Functions.Attributes(ctx, name)
	if err != nil {
		return nil, translate(err)
	}
	return &GetFunctionConcurrencyResponse{ReservedConcurrentExecutions: a.Reserved}, nil
}
