package protocol

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/aws/protocol/constraint"
	"github.com/millrace/millrace/aws/protocol/wire"
	"github.com/millrace/millrace/aws/signature"
)

// codeSerialization is the code of a body that cannot be read, and of values of a wrong type.
const codeSerialization = "SerializationException"

// params are the parameters of the request's URL. Most have none.
func (x *exchange) params() url.Values {
	if x.r.URL.RawQuery == "" {
		return nil
	}
	return x.r.URL.Query()
}

// identify finds out who calls, or answers that nobody does.
func (x *exchange) identify(params url.Values) bool {
	if err := x.caller(params); err != nil {
		x.fail(err)
		return false
	}
	return true
}

// serve takes the operation as known, for the call that the doors will see.
func (x *exchange) serve(s *Service, o *Operation, p Protocol) {
	x.service, x.op, x.protocol = s, o, p
	x.call.Service, x.call.Protocol = s.Name, p
	if o != nil {
		x.call.Operation = o.Name
	}
}

// misread answers the first value of a wrong type, with a capital Message in those protocols that Coral speaks.
func (x *exchange) misread(message string) {
	x.fail(&Error{Code: codeSerialization, Message: message, capital: x.protocol != RPC})
}

// run judges the input and lets the door answer. The first offence against the types comes from the binding or from
// the document, in that order.
func (x *exchange) run(in Input, b *Binding, doc wire.Document) {
	if b != nil && b.offence != "" {
		x.misread(b.offence)
		return
	}
	if doc != nil {
		if message, offended := doc.Offence(); offended {
			x.misread(message)
			return
		}
	}
	checks := constraint.Checks{Discreet: x.service.Discreet}
	in.Validate(&checks)
	if findings := checks.Findings(); len(findings) > 0 {
		x.fail(x.service.invalid(&checks, findings))
		return
	}
	ctx := WithCall(x.r.Context(), x.call)
	if err := x.authorize(ctx, in); err != nil {
		x.fail(err)
		return
	}
	if x.service.Elsewhere != nil {
		x.handOn(ctx)
		return
	}
	x.dropBody()
	if x.op.open != nil {
		stream, err := x.op.open(ctx, in)
		if err != nil {
			x.fail(err)
			return
		}
		x.sendEvents(ctx, stream)
		return
	}
	out, err := x.op.run(ctx, in)
	if err != nil {
		x.fail(err)
		return
	}
	x.succeed(out)
}

// invalid words broken constraints.
func (s *Service) invalid(checks *constraint.Checks, findings []constraint.Finding) *Error {
	if s.MissingCode == "" {
		code := "ValidationException"
		if s.InvalidCode != "" {
			code = s.InvalidCode
		}
		return &Error{Code: code, Message: checks.Message()}
	}
	for _, f := range findings {
		if f.Null {
			return &Error{Code: s.MissingCode, Message: "The request must contain the parameter " + parameter(f.Path) + "."}
		}
	}
	return &Error{Code: "InvalidParameterValue", Message: checks.Message()}
}

// parameter names a member as the services do that do not use the common grammar: Entries.1.Id.
func parameter(path string) string {
	parts := strings.Split(strings.ReplaceAll(path, ".member", ""), ".")
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:min(1, len(p))]) + p[min(1, len(p)):]
	}
	return strings.Join(parts, ".")
}

// succeed writes the output in the protocol of the request.
func (x *exchange) succeed(out Output) {
	switch x.protocol {
	case REST:
		x.succeedREST(out)
	case Query:
		x.succeedQuery(out)
	case RPC:
		if out == nil {
			x.write(http.StatusOK, "", nil)
			return
		}
		x.writeDocument(http.StatusOK, typeRPC, out)
	default:
		if out == nil {
			x.write(http.StatusOK, x.contentType, nil)
			return
		}
		x.writeDocument(http.StatusOK, x.contentType, out)
	}
}

func (x *exchange) writeDocument(status int, contentType string, out Output) {
	text := x.call.Encoding.Append(borrow(room(out)), out)
	x.write(status, contentType, text)
	giveBack(text)
}

// smallAnswer is where answers begin to grow from that do not say how large they will be.
const smallAnswer = 4 << 10

// room is how much to make ready for an answer. One that is grown a step at a time is copied, and pays for memory, many
// times over.
func room(out wire.Encoder) int {
	if sized, ok := out.(wire.Sized); ok {
		return max(smallAnswer, sized.Size())
	}
	return smallAnswer
}

// internal is the answer to what should not have happened.
func (x *exchange) internal() *Error {
	code := "InternalFailure"
	if x.service != nil && x.service.InternalCode != "" {
		code = x.service.InternalCode
	}
	return &Error{Code: code, Status: http.StatusInternalServerError}
}

// fail answers with the error in the protocol of the request. An error that is not for clients is logged whole, and
// the client is told of an internal failure.
func (x *exchange) fail(err error) {
	var e *Error
	var fault *signature.Fault
	var denied *Denied
	switch {
	case errors.As(err, &e):
	case errors.As(err, &fault):
		e = x.notBelieved(fault)
	case errors.As(err, &denied):
		e = x.notAllowed(denied)
	default:
		if errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
			x.Log.Debug("client left", "service", x.call.Service, "operation", x.call.Operation, "request", x.call.RequestID)
		} else {
			x.Log.Error("operation failed", "service", x.call.Service, "operation", x.call.Operation,
				"request", x.call.RequestID, "error", err)
		}
		e = x.internal()
	}
	x.ended.Code = e.Code
	for name, values := range e.Header {
		x.w.Header()[name] = values
	}
	switch x.protocol {
	case REST:
		x.failREST(e)
	case Query:
		x.failQuery(e)
	default:
		x.failDocument(e)
	}
}

// shape is what the service's model says of the error; unknown codes are the client's fault.
func (s *Service) shape(e *Error) (shape ErrorShape, known bool) {
	if s != nil {
		shape, known = s.Errors[e.Code]
	}
	if !known {
		shape = ErrorShape{Status: http.StatusBadRequest, Lower: true}
	}
	if e.Status != 0 {
		shape.Status = e.Status
	}
	if e.capital {
		shape.Lower = false
	}
	return shape, known
}
