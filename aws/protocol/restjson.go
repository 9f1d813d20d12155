package protocol

import (
	"net/http"
	"net/url"

	"github.com/millrace/millrace/aws/protocol/jsonwire"
	"github.com/millrace/millrace/aws/protocol/wire"
)

// bindingInput is an input with members outside of the body; generated types implement it.
type bindingInput interface{ DecodeHTTP(b *Binding) }

// payloadInput is an input of which one member is the whole body.
type payloadInput interface{ SetPayload(body []byte) }

// bindingOutput is an output with members that are headers or the status, which is 0 when the operation's applies.
type bindingOutput interface{ EncodeHTTP(h http.Header) int }

// payloadOutput is an output of which one member is the whole body.
type payloadOutput interface{ RawBody() []byte }

// serveREST answers a rest-json request, of which the path is known to belong to the service.
func (x *exchange) serveREST(match restMatch) {
	if match.route == nil {
		x.write(http.StatusForbidden, "", []byte(denied))
		return
	}
	if !match.route.offered {
		x.serve(match.service, nil, REST)
		x.notOffered(match.route.operation.Name)
		return
	}
	x.serve(match.service, match.route.operation, REST)
	if !x.load(x.limit()) {
		return
	}
	params := x.r.URL.Query()
	if x.identify(params) {
		x.runREST(match.labels, params)
	}
}

// notOffered answers an operation that AWS has and we do not carry out.
func (x *exchange) notOffered(name string) {
	if x.missing.first(x.service.Name + ":" + name) {
		x.Log.Warn("operation is not carried out", "service", x.service.Name, "operation", name)
	}
	x.fail(&Error{
		Code:    codeUnknown,
		Status:  http.StatusNotFound,
		Message: "Operation " + name + " is not carried out by this server.",
	})
}

func (x *exchange) runREST(labels []label, params url.Values) {
	in := x.op.new()
	var doc wire.Document
	switch {
	case x.op.RawBody:
		x.body.keep = true
		if p, ok := in.(payloadInput); ok && len(x.body.bytes) > 0 {
			p.SetPayload(x.body.bytes)
		}
	case !x.op.NoBody:
		text := x.body.bytes
		if len(text) == 0 {
			text = []byte("{}")
		}
		doc = jsonwire.NewReader(text)
		in.Decode(doc)
		doc.End()
		if doc.Malformed() {
			x.fail(&Error{Code: codeSerialization})
			return
		}
	}
	b := &Binding{labels: labels, query: params, header: x.r.Header}
	if p, ok := in.(bindingInput); ok {
		p.DecodeHTTP(b)
	}
	x.run(in, b, doc)
}

func (x *exchange) succeedREST(out Output) {
	status := x.op.Status
	if status == 0 {
		status = http.StatusOK
	}
	if o, ok := out.(bindingOutput); ok {
		if given := o.EncodeHTTP(x.w.Header()); given != 0 {
			status = given
		}
	}
	payload, raw := out.(payloadOutput)
	switch {
	case raw && len(payload.RawBody()) == 0:
		x.write(status, "", nil)
	case raw:
		x.write(status, x.op.PayloadType, payload.RawBody())
	case out == nil || status == http.StatusNoContent:
		x.write(status, "", nil)
	default:
		x.writeDocument(status, typeJSON, out)
	}
}

// failREST writes an error of rest-json.
func (x *exchange) failREST(e *Error) {
	shape, _ := x.service.shape(e)
	x.header("x-amzn-ErrorType", e.Code)
	b := append(make([]byte, 0, 256), '{')
	for _, f := range e.Fields {
		b = jsonwire.AppendString(jsonwire.AppendName(b, f.Name), f.Value)
	}
	if shape.Typed && !e.Untyped {
		side := "User"
		if shape.Status >= 500 {
			side = "Service"
		}
		b = jsonwire.AppendString(jsonwire.AppendName(b, "Type"), side)
	}
	if e.Message != "" {
		name := "Message"
		if shape.Lower {
			name = "message"
		}
		b = jsonwire.AppendString(jsonwire.AppendName(b, name), e.Message)
	}
	x.write(shape.Status, typeJSON, append(b, '}'))
}
