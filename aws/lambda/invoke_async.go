package lambda

import (
	"context"
	"net/http"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// InvokeAsync is the old form of an Invoke of the type Event.
func (d *Door) InvokeAsync(ctx context.Context, in *InvokeAsyncRequest) (*InvokeAsyncResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	// Whoever goes away has not been answered, but may have been heard.
	err = d.Functions.InvokeAsync(context.WithoutCancel(ctx), function.Invocation{
		Ref: ref, RequestID: protocol.CallFrom(ctx).RequestID, Payload: in.InvokeArgs, TraceID: protocol.CallFrom(ctx).Trace,
	})
	if err != nil {
		return nil, translate(err)
	}
	return &InvokeAsyncResponse{Status: new(http.StatusAccepted)}, nil
}
