package lambda

import "context"

// GetFunctionRecursionConfig tells what becomes of a function that invokes itself in a circle.
func (d *Door) GetFunctionRecursionConfig(ctx context.Context, in *GetFunctionRecursionConfigRequest) (*GetFunctionRecursionConfigResponse, error) {
	name, err := d.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	a, err := d.Functions.Attributes(ctx, name)
	if err != nil {
		return nil, translate(err)
	}
	return &GetFunctionRecursionConfigResponse{RecursiveLoop: &a.RecursiveLoop}, nil
}

// PutFunctionRecursionConfig changes it.
func (d *Door) PutFunctionRecursionConfig(ctx context.Context, in *PutFunctionRecursionConfigRequest) (*PutFunctionRecursionConfigResponse, error) {
	name, err := d.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := d.Functions.SetRecursiveLoop(ctx, name, in.RecursiveLoop); err != nil {
		return nil, translate(err)
	}
	return &PutFunctionRecursionConfigResponse{RecursiveLoop: &in.RecursiveLoop}, nil
}
