package lambda

import "context"

// GetFunctionConfiguration tells of a function without its code.
func (d *Door) GetFunctionConfiguration(ctx context.Context, in *GetFunctionConfigurationRequest) (*FunctionConfiguration, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, err := d.Functions.Find(ctx, ref)
	if err != nil {
		return nil, translate(err)
	}
	return qualified(f, ref), nil
}
