package protocol

import (
	"net/http"
	"strings"

	"github.com/millrace/millrace/aws/protocol/wire"
)

// codeUnknown is the code of an operation that does not exist, or is not carried out.
const codeUnknown = "UnknownOperationException"

// defaultLimit bounds the bodies of requests that are for no service.
const defaultLimit = 1 << 20

// serveJSON answers an awsJson request, and everything that is of no other kind. The order of the steps is recorded
// from Kinesis.
func (x *exchange) serveJSON(target string) {
	prefix, name, _ := strings.Cut(target, ".")
	name, _, _ = strings.Cut(name, ".")
	limit := int64(defaultLimit)
	if s := x.targets[prefix]; s != nil {
		x.serve(s, x.operations[s][name], JSON)
		limit = x.limit()
	}
	if x.contentType == typeCBOR && (x.service == nil || x.service.CBOR) {
		x.call.Encoding = EncodingCBOR
	}
	if x.r.ContentLength > limit {
		x.tooLarge(limit)
		return
	}
	if x.r.Method != http.MethodPost {
		x.write(http.StatusForbidden, "", []byte(denied))
		return
	}
	if !x.load(limit) {
		return
	}
	if len(x.body.bytes) == 0 {
		x.failEmpty()
		return
	}
	if !x.acceptable() {
		if prefix == "" || name == "" {
			x.write(http.StatusForbidden, "", []byte(denied))
		} else {
			x.ended.Code = codeUnknown
			x.write(http.StatusNotFound, "", []byte(unknownOp))
		}
		return
	}
	x.runJSON()
}

// acceptable reports whether the content type is one that the service reads.
func (x *exchange) acceptable() bool {
	if x.contentType == typeJSON || x.call.Encoding == EncodingCBOR {
		return true
	}
	if x.service != nil {
		return x.contentType == typeAmzn+x.service.JSONVersion
	}
	return x.contentType == typeAmzn+"1.0" || x.contentType == typeAmzn+"1.1"
}

func (x *exchange) runJSON() {
	if x.away() {
		return
	}
	if x.op == nil || x.contentType == typeJSON {
		switch {
		case !wire.IsStruct(x.call.Encoding.read(x.body.bytes)):
			x.failBare(codeSerialization)
		default:
			x.failBare(codeUnknown)
		}
		return
	}
	x.runDocument(x.body.bytes)
}

// runDocument reads the input from a document, finds out who calls, and runs the operation.
func (x *exchange) runDocument(text []byte) {
	in := x.op.new()
	doc := x.call.Encoding.read(text)
	in.Decode(doc)
	doc.End()
	if doc.Malformed() {
		x.failBare(codeSerialization)
		return
	}
	if !x.identify(x.params()) {
		return
	}
	x.run(in, nil, doc)
}

// failEmpty answers a request without a body. AWS writes CBOR to whoever does not ask for JSON in so many words.
func (x *exchange) failEmpty() {
	code := codeUnknown
	if x.op != nil {
		code = codeSerialization
	}
	if strings.HasPrefix(x.contentType, typeAmzn) && x.acceptable() || x.service != nil && x.service.JSONVersion == "1.0" {
		x.failBare(code)
		return
	}
	x.call.Encoding = EncodingCBOR
	x.fail(&Error{Code: code})
}

// failBare answers with a code and nothing else. Whoever speaks plain application/json gets it in the envelope of
// AWS's generic front end.
func (x *exchange) failBare(code string) {
	x.ended.Code = code
	if x.contentType != typeJSON {
		x.fail(&Error{Code: code})
		return
	}
	status := http.StatusBadRequest
	if code == codeUnknown {
		status = http.StatusNotFound
	}
	x.write(status, typeJSON, []byte(`{"Output":{"__type":"com.amazon.coral.service#`+code+`"},"Version":"1.0"}`))
}

// errorDocument is the body of an error.
type errorDocument struct {
	*Error
	typeName string
}

// Encode writes the body.
func (d errorDocument) Encode(w wire.Writer) {
	w.OpenStruct()
	w.Name("__type")
	w.String(d.typeName)
	if d.Message != "" {
		name := "message"
		if d.capital {
			name = "Message"
		}
		w.Name(name)
		w.String(d.Message)
	}
	for _, f := range d.Fields {
		w.Name(f.Name)
		w.String(f.Value)
	}
	w.CloseStruct()
}

// failDocument writes an error of awsJson, of its mirror in CBOR, or of rpc-v2-cbor.
func (x *exchange) failDocument(e *Error) {
	shape, known := x.service.shape(e)
	b := x.call.Encoding.Append(make([]byte, 0, 256), errorDocument{e, x.service.typeName(e.Code, known)})
	if known && x.service.QueryVersion != "" {
		code, side := shape.QueryCode, "Sender"
		if code == "" {
			code = e.Code
		}
		if shape.Status >= 500 {
			side = "Receiver"
		}
		x.header("x-amzn-query-error", code+";"+side)
	}
	x.write(shape.Status, x.errorType(), b)
}

// errorType is the content type of an error.
func (x *exchange) errorType() string {
	switch x.call.Encoding {
	case EncodingCBOR:
		return typeCBOR
	case EncodingRPC:
		return typeRPC
	}
	if !strings.HasPrefix(x.contentType, typeAmzn) && x.service != nil {
		return typeAmzn + x.service.JSONVersion
	}
	return x.contentType
}

// typeName is the code as __type has it.
func (s *Service) typeName(code string, known bool) string {
	switch {
	case s == nil || s.ErrorNamespace == "":
		return code
	case known:
		return s.ErrorNamespace + "#" + code
	}
	return "com.amazon.coral.service#" + code
}
