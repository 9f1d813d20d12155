package protocol

import (
	"net/http"
	"strings"

	"github.com/millrace/millrace/aws/protocol/jsonwire"
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
	if x.contentType == typeJSON {
		return true
	}
	if x.service != nil {
		return x.contentType == typeAmzn+x.service.JSONVersion
	}
	return x.contentType == typeAmzn+"1.0" || x.contentType == typeAmzn+"1.1"
}

func (x *exchange) runJSON() {
	if x.op == nil || x.contentType == typeJSON {
		switch {
		case !jsonwire.IsObject(x.body.bytes):
			x.failBare(codeSerialization)
		default:
			x.failBare(codeUnknown)
		}
		return
	}
	in := x.op.new()
	doc := jsonwire.NewReader(x.body.bytes)
	in.DecodeJSON(doc)
	doc.End()
	if doc.Malformed() {
		x.failBare(codeSerialization)
		return
	}
	if !x.identify(x.r.URL.Query()) {
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
	x.ended.Code = code
	x.write(http.StatusBadRequest, typeCBOR, appendCode(nil, code))
}

// appendCode appends {"__type": code} in CBOR: a map of one entry, two texts.
func appendCode(b []byte, code string) []byte {
	b = append(b, 0xa1, 0x66)
	b = append(b, "__type"...)
	if len(code) < 24 {
		b = append(b, 0x60|byte(len(code)))
	} else {
		b = append(b, 0x78, byte(len(code)))
	}
	return append(b, code...)
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

// failJSON writes an error of awsJson.
func (x *exchange) failJSON(e *Error) {
	shape, known := x.service.shape(e)
	b := append(make([]byte, 0, 256), '{')
	b = jsonwire.AppendName(b, "__type")
	b = jsonwire.AppendString(b, x.service.typeName(e.Code, known))
	if e.Message != "" {
		name := "message"
		if e.capital {
			name = "Message"
		}
		b = jsonwire.AppendString(jsonwire.AppendName(b, name), e.Message)
	}
	for _, f := range e.Fields {
		b = jsonwire.AppendString(jsonwire.AppendName(b, f.Name), f.Value)
	}
	b = append(b, '}')
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
	contentType := x.contentType
	if !strings.HasPrefix(contentType, typeAmzn) && x.service != nil {
		contentType = typeAmzn + x.service.JSONVersion
	}
	x.write(shape.Status, contentType, b)
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
