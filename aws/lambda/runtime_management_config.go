package lambda

import (
	"context"

	"github.com/millrace/millrace/function"
)

// GetRuntimeManagementConfig tells when the runtime of a function is updated: whenever the host's is.
func (d *Door) GetRuntimeManagementConfig(ctx context.Context, in *GetRuntimeManagementConfigRequest) (*GetRuntimeManagementConfigResponse, error) {
	f, err := d.managed(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &GetRuntimeManagementConfigResponse{UpdateRuntimeOn: new(UpdateRuntimeOnAuto), FunctionArn: &f}, nil
}

// PutRuntimeManagementConfig accepts what is so anyway. The host's interpreters cannot be kept in an older version.
func (d *Door) PutRuntimeManagementConfig(ctx context.Context, in *PutRuntimeManagementConfigRequest) (*PutRuntimeManagementConfigResponse, error) {
	f, err := d.managed(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := refuse(
		member{"UpdateRuntimeOn " + in.UpdateRuntimeOn, in.UpdateRuntimeOn != UpdateRuntimeOnAuto},
		member{"RuntimeVersionArn", given(in.RuntimeVersionArn)},
	); err != nil {
		return nil, err
	}
	return &PutRuntimeManagementConfigResponse{UpdateRuntimeOn: UpdateRuntimeOnAuto, FunctionArn: f}, nil
}

// managed looks up a function or a version and returns its name as AWS's answers have it.
func (d *Door) managed(ctx context.Context, name string, qualifier *string) (string, error) {
	ref, err := functionRef(ctx, name, qualifier)
	if err != nil {
		return "", err
	}
	f, err := d.Functions.Find(ctx, ref)
	if err != nil {
		return "", translate(err)
	}
	return function.Ref{Name: f.Name, Qualifier: f.Version}.ARN(), nil
}
