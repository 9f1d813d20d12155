package protocol

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/millrace/millrace/internal/base64"
)

// The content types of the protocols.
const (
	typeJSON  = "application/json"
	typeAmzn  = "application/x-amz-json-" // and a version
	typeCBOR  = "application/x-amz-cbor-1.1"
	typeRPC   = "application/cbor"
	typeForm  = "application/x-www-form-urlencoded"
	typeXML   = "text/xml"
	exposed   = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date"
	denied    = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n"
	unknownOp = "<UnknownOperationException/>\n"
)

// header sets a header with the spelling given, which AWS's are and net/http would change.
func (x *exchange) header(name, value string) {
	if x.set == len(x.values) {
		x.w.Header()[name] = []string{value}
		return
	}
	x.values[x.set] = value
	x.w.Header()[name] = x.values[x.set : x.set+1 : x.set+1]
	x.set++
}

// begin makes what every answer has.
func (x *exchange) begin() {
	x.call.RequestID = uuid.NewString()
	x.call.Host = x.r.Host
	x.call.Scheme = "http"
	if x.r.TLS != nil {
		x.call.Scheme = "https"
	}
	x.contentType, _, _ = strings.Cut(x.r.Header.Get("Content-Type"), ";")
	x.contentType = strings.TrimSpace(x.contentType)
	x.header("x-amzn-RequestId", x.call.RequestID)
	x.header("x-amz-id-2", extendedID())
}

// extendedID is the second id that AWS sends; nobody reads it.
func extendedID() string {
	var raw [72]byte
	for i := 0; i < len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], rand.Uint64())
	}
	var text [96]byte
	return string(base64.Append(text[:0], raw[:]))
}

// preflight does what browsers ask for: every answer to a page from elsewhere says that the page may read it, and
// the question whether it may ask at all is answered here, in which case it returns true.
func (x *exchange) preflight() bool {
	if x.r.Header.Get("Origin") == "" {
		return false
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if x.r.Method != http.MethodOptions {
		h.Set("Access-Control-Expose-Headers", exposed)
		return false
	}
	delete(h, "x-amz-id-2")
	if asked := x.r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	if asked := x.r.Header.Get("Access-Control-Request-Method"); asked != "" {
		h.Set("Access-Control-Allow-Methods", asked)
	}
	h.Set("Access-Control-Max-Age", "172800")
	x.write(http.StatusOK, "", nil)
	return true
}

// write writes the answer. Without a content type there is no such header.
func (x *exchange) write(status int, contentType string, text []byte) {
	x.answered = true
	x.ended.Status = status
	h := x.w.Header()
	if contentType != "" {
		x.header("Content-Type", contentType)
	} else {
		h["Content-Type"] = nil // or net/http would guess one
	}
	if status != http.StatusNoContent {
		x.header("Content-Length", strconv.Itoa(len(text)))
	}
	x.w.WriteHeader(status)
	if len(text) == 0 {
		return
	}
	if _, err := x.w.Write(text); err != nil {
		x.Log.Debug("client left before its answer", "request", x.call.RequestID, "error", err)
	}
}

// load reads the body, or answers why not.
func (x *exchange) load(limit int64) bool {
	x.body = &x.sent
	err := x.readBody(x.w, x.r, x.body, limit)
	switch {
	case err == nil && x.isCompressed():
		return x.inflate(limit)
	case err == nil:
		return true
	default:
		x.failLoad(err, limit)
		return false
	}
}

// failLoad answers for a body that could not be had.
func (x *exchange) failLoad(err error, limit int64) {
	switch {
	case errors.Is(err, errTooLarge):
		x.tooLarge(limit)
	case errors.Is(err, errBusy):
		x.ended.Code = "ServiceUnavailable"
		x.fail(&Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: "Reduce your request rate."})
	default:
		x.Log.Debug("body did not arrive", "request", x.call.RequestID, "error", err)
		x.w.Header().Set("Connection", "close")
		x.write(http.StatusRequestTimeout, "", nil)
	}
}

// tooLarge answers a body over the bound. The rest of it is not read: the connection ends.
func (x *exchange) tooLarge(limit int64) {
	h := x.w.Header()
	h.Set("Connection", "close")
	if x.protocol == REST && x.op != nil && x.op.LimitName != "" {
		x.fail(&Error{
			Code:   "RequestEntityTooLargeException",
			Status: http.StatusRequestEntityTooLarge,
			Message: "Request must be smaller than " + strconv.FormatInt(limit, 10) + " bytes for the " +
				x.op.LimitName + " operation",
		})
		return
	}
	delete(h, "x-amzn-RequestId")
	delete(h, "x-amz-id-2")
	x.write(http.StatusRequestEntityTooLarge, "", nil)
}

// limit is the bound of the body.
func (x *exchange) limit() int64 {
	if x.op != nil && x.op.MaxBodyBytes > 0 {
		return x.op.MaxBodyBytes
	}
	return x.service.MaxBodyBytes
}
