package protocol

import (
	"net/http"
	"strings"
)

// rpcV2 is how requests and answers of Smithy's protocol say that they are.
const rpcV2 = "rpc-v2-cbor"

// isRPC reports whether the request is of the protocol rpc-v2-cbor.
func (x *exchange) isRPC() bool { return x.r.Header.Get("Smithy-Protocol") == rpcV2 }

// serveRPC answers a request of the protocol rpc-v2-cbor. It is judged in the order of awsJson, of which it is a
// cousin: the names are in the path instead of a header, and an empty input may do without a body.
func (x *exchange) serveRPC() {
	x.header("smithy-protocol", rpcV2)
	x.protocol, x.call.Encoding = RPC, EncodingRPC
	limit := int64(defaultLimit)
	service, operation := rpcNames(x.r.URL.Path)
	if s := x.rpcs[service]; s != nil {
		x.serve(s, x.operations[s][operation], RPC)
		limit = x.limit()
	}
	switch {
	case x.r.ContentLength > limit:
		x.tooLarge(limit)
	case x.r.Method != http.MethodPost:
		x.write(http.StatusForbidden, "", []byte(denied))
	case x.load(limit):
		x.runRPC()
	}
}

// rpcNames takes the path …/service/NAME/operation/NAME apart; both are empty when it is of another form.
func rpcNames(path string) (service, operation string) {
	parts := strings.Split(path, "/")
	if n := len(parts); n >= 5 && parts[n-4] == "service" && parts[n-2] == "operation" {
		return parts[n-3], parts[n-1]
	}
	return "", ""
}

func (x *exchange) runRPC() {
	if x.away() {
		return
	}
	if x.op == nil {
		x.fail(&Error{Code: codeUnknown, Status: http.StatusNotFound})
		return
	}
	text := x.body.bytes
	if len(text) == 0 {
		text = emptyInput
	} else if x.contentType != typeRPC {
		x.fail(&Error{Code: "UnsupportedMediaTypeException", Status: http.StatusUnsupportedMediaType})
		return
	}
	x.runDocument(text)
}

// emptyInput is the structure without members in CBOR.
var emptyInput = []byte{0xa0}
