package lambda

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// GetFunction tells of a function and where its code can be fetched for the next minutes. Tags and reserved concurrency are
// the function's own: they are not shown with a version of it.
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
	out := &GetFunctionResponse{
		Configuration: qualified(f, ref),
		Code: &FunctionCodeLocation{
			RepositoryType: new("S3"),
			Location:       new(call.Scheme + "://" + call.Host + d.links.make(f)),
		},
	}
	if ref.Qualifier != "" {
		return out, nil
	}
	a, err := d.Functions.Attributes(ctx, ref.Name)
	if err != nil {
		return nil, translate(err)
	}
	if len(a.Tags) > 0 {
		out.Tags = a.Tags
	}
	if a.Reserved != nil {
		out.Concurrency = &Concurrency{ReservedConcurrentExecutions: a.Reserved}
	}
	return out, nil
}
