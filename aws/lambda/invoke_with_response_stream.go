package lambda

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"sync"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// InvokeWithResponseStream runs a function and answers with its response as it comes. What keeps the invocation from the
// function is an error, as long as nothing of a response has come; what goes wrong in the function is told at the end.
func (d *Door) InvokeWithResponseStream(ctx context.Context, in *InvokeWithResponseStreamRequest) (protocol.EventStream, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := refuseTenant(in.TenantId); err != nil {
		return nil, err
	}
	if in.InvocationType != nil && *in.InvocationType == ResponseStreamingInvocationTypeDryRun {
		if err := d.Functions.DryRun(ctx, ref); err != nil {
			return nil, translate(err)
		}
		return noResponse{}, nil
	}
	client, err := clientContext(in.ClientContext)
	if err != nil {
		return nil, err
	}
	r := &responseStream{stream: function.NewStream(), ended: make(chan struct{})}
	invocation := function.Invocation{
		Ref: ref, RequestID: protocol.CallFrom(ctx).RequestID, Payload: in.Payload, ClientContext: client, Stream: r.stream,
		TraceID: protocol.CallFrom(ctx).Trace, Tail: in.LogType != nil && *in.LogType == LogTypeTail,
	}
	// A caller that goes away does not end the function, as it does not at AWS.
	r.running.Go(func() {
		defer close(r.ended)
		r.result, r.err = d.Functions.Invoke(context.WithoutCancel(ctx), invocation)
	})
	if err := r.begin(); err != nil {
		return nil, err
	}
	return r, nil
}

// noResponse is the answer to who only asks whether he could invoke.
type noResponse struct{}

// Head implements protocol.EventHead.
func (noResponse) Head(http.Header) int { return http.StatusNoContent }

// Next implements protocol.EventStream.
func (noResponse) Next(context.Context) (protocol.Event, error) { return nil, io.EOF }

// Close implements protocol.EventStream.
func (noResponse) Close() {}

// responseStream is a response on its way: parts from the function, then the end.
type responseStream struct {
	stream  *function.Stream
	running sync.WaitGroup
	first   []byte // the part that came before the answer began
	version string

	ended  chan struct{} // closed when the invocation has ended; result and err are there then
	result function.Result
	err    error
	told   bool // the end is
}

// begin waits for the first part of the response, or for the invocation's end, which may be an error.
func (r *responseStream) begin() error {
	select {
	case r.first = <-r.stream.Parts:
		r.version = r.stream.ExecutedVersion
		return nil
	case <-r.ended:
	}
	if r.err != nil {
		return translate(r.err)
	}
	r.version = r.result.ExecutedVersion
	if r.result.FunctionError == "" {
		r.first = r.result.Payload // of a function that does not stream
	}
	return nil
}

// Head implements protocol.EventHead.
func (r *responseStream) Head(h http.Header) int {
	h.Set("X-Amz-Executed-Version", r.version)
	return http.StatusOK
}

// Next implements protocol.EventStream.
func (r *responseStream) Next(ctx context.Context) (protocol.Event, error) {
	if part := r.first; len(part) > 0 {
		r.first = nil
		return &InvokeResponseStreamUpdate{Payload: part}, nil
	}
	if r.told {
		return nil, io.EOF
	}
	select {
	case part := <-r.stream.Parts:
		return &InvokeResponseStreamUpdate{Payload: part}, nil
	case <-r.ended:
		r.told = true
		return r.complete(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// complete tells how the invocation ended.
func (r *responseStream) complete() *InvokeWithResponseStreamCompleteEvent {
	event := &InvokeWithResponseStreamCompleteEvent{}
	switch {
	case r.err != nil: // in the middle of the response
		event.ErrorCode, event.ErrorDetails = new(ServiceException), new(r.err.Error())
	case r.result.FunctionError != "":
		event.ErrorCode, event.ErrorDetails = &r.result.FunctionError, new(string(r.result.Payload))
	}
	if r.result.LogTail != nil {
		event.LogResult = new(base64.StdEncoding.EncodeToString(r.result.LogTail))
	}
	return event
}

// Close lets the function finish, to nobody.
func (r *responseStream) Close() {
	for {
		select {
		case <-r.stream.Parts:
		case <-r.ended:
			r.running.Wait()
			return
		}
	}
}
