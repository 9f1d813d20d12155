package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// GetFunction tells of a function and where its code can be fetched for the next minutes.
func (d *Door) GetFunction(ctx context.Context, in *GetFunctionRequest) (*GetFunctionResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, err := d.Functions.Find(ctx, ref)
	if err != nil {
		return nil, translate(err)
	}
	call := protocol.CallFrom(ctx)
	return &GetFunctionResponse{
		Configuration: qualified(f, ref),
		Code: &FunctionCodeLocation{
			RepositoryType: new("S3"),
			Location:       new(call.Scheme + "://" + call.Host + d.links.make(f.Name)),
		},
	}, nil
}
