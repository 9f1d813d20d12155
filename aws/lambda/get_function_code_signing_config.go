package lambda

import "context"

// GetFunctionCodeSigningConfig says that a function has none, with an empty answer as AWS does: it cannot be given one.
func (d *Door) GetFunctionCodeSigningConfig(ctx context.Context, in *GetFunctionCodeSigningConfigRequest) (*GetFunctionCodeSigningConfigResponse, error) {
	if _, err := d.whole(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	return &GetFunctionCodeSigningConfigResponse{}, nil
}
