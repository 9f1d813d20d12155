package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// Invoke runs a function and answers with what it returned, also when that is an error: only what kept the invocation
// from the function is an error here. An event is answered when it is durable, and delivered later.
func (d *Door) Invoke(ctx context.Context, in *InvocationRequest) (*InvocationResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	kind := InvocationTypeRequestResponse
	assign(&kind, in.InvocationType)
	if err := refuse(member{"DurableExecutionName", given(in.DurableExecutionName)}); err != nil {
		return nil, err
	}
	if err := refuseTenant(in.TenantId); err != nil {
		return nil, err
	}
	if kind == InvocationTypeDryRun {
		if err := d.Functions.DryRun(ctx, ref); err != nil {
			return nil, translate(err)
		}
		return &InvocationResponse{StatusCode: new(http.StatusNoContent)}, nil
	}
	client, err := clientContext(in.ClientContext)
	if err != nil {
		return nil, err
	}
	invocation := function.Invocation{
		Ref: ref, RequestID: protocol.CallFrom(ctx).RequestID, Payload: in.Payload, ClientContext: client,
		TraceID: protocol.CallFrom(ctx).Trace, Tail: in.LogType != nil && *in.LogType == LogTypeTail,
	}
	// A caller that goes away does not end the function, as it does not at AWS.
	ctx = context.WithoutCancel(ctx)
	if kind == InvocationTypeEvent {
		if err := d.Functions.InvokeAsync(ctx, invocation); err != nil {
			return nil, translate(err)
		}
		return &InvocationResponse{StatusCode: new(http.StatusAccepted)}, nil
	}
	result, err := d.Functions.Invoke(ctx, invocation)
	if err != nil {
		return nil, translate(err)
	}
	out := &InvocationResponse{
		StatusCode: new(http.StatusOK), Payload: result.Payload,
		ExecutedVersion: &result.ExecutedVersion, FunctionError: text(result.FunctionError),
	}
	if result.LogTail != nil {
		out.LogResult = new(base64.StdEncoding.EncodeToString(result.LogTail))
	}
	return out, nil
}

// refuseTenant answers who invokes for a tenant: no function has any.
func refuseTenant(id *string) error {
	if given(id) {
		return invalid("The invoked function is not enabled for tenancy configuration. Remove the tenant ID from your request and try again.")
	}
	return nil
}

// maxClientContext bounds the header X-Amz-Client-Context, in characters.
const maxClientContext = 3583

// clientContext decodes the header: base64 of a JSON object.
func clientContext(header *string) (string, error) {
	if !given(header) {
		return "", nil
	}
	if len(*header) > maxClientContext {
		return "", invalid("Client context must be no more than %d bytes when base64-encoded", maxClientContext)
	}
	decoded, err := base64.StdEncoding.DecodeString(*header)
	if err != nil || !json.Valid(decoded) || bytes.TrimLeft(decoded, " \t\r\n")[0] != '{' {
		return "", &protocol.Error{Code: InvalidRequestContentException, Message: "Client context must be a valid Base64-encoded JSON object."}
	}
	return string(decoded), nil
}
