package protocol

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/millrace/millrace/aws/signature"
)

// Outcome is how a service that answers whole requests ended one.
type Outcome struct {
	Operation string
	Status    int
	Code      string // of the error; empty on success
	Cause     error  // of an internal error, for the log
}

// whole finds the service of whole requests that a request is for: the one in whose scope it is signed, or, when it is
// not signed, whose host it names.
func (x *exchange) whole() *Service {
	if len(x.wholes) == 0 {
		return nil
	}
	scope := signature.ScopeService(x.r, x.params())
	for _, s := range x.wholes {
		if s.Claims != nil {
			continue
		}
		if s.Name == scope || scope == "" && s.Host != nil && s.Host(x.r.Host) {
			return s
		}
	}
	return nil
}

// claimed finds the service that claims a request.
func (x *exchange) claimed() *Service {
	for _, s := range x.wholes {
		if s.Claims != nil && s.Claims(x.r) {
			return s
		}
	}
	return nil
}

// serveClaimed lets a service answer a request that it claims.
func (x *exchange) serveClaimed(s *Service) {
	x.serve(s, nil, Whole)
	x.body = &x.sent
	if err := x.readBody(x.w, x.r, x.body, x.limit()); err != nil { // as it was sent, also when that is compressed
		x.failLoad(err, x.limit())
		return
	}
	refused := x.caller(x.params())
	x.body.keep = true
	r := x.r.WithContext(WithCall(x.r.Context(), x.call))
	r.Body = io.NopCloser(bytes.NewReader(x.body.bytes))
	x.answered = true // from here on a panic must end the connection
	outcome := s.Whole(x.w, r, refused)
	x.call.Operation, x.ended.Status, x.ended.Code = outcome.Operation, outcome.Status, outcome.Code
	if outcome.Cause != nil {
		x.Log.Error("operation failed", "service", s.Name, "operation", outcome.Operation, "request", x.call.RequestID, "error", outcome.Cause)
	}
}

// serveWhole lets a service answer a request that it reads itself.
func (x *exchange) serveWhole(s *Service) {
	x.serve(s, nil, Whole)
	delete(x.w.Header(), "x-amzn-RequestId")
	x.header("x-amz-request-id", x.call.RequestID)
	x.body = &x.sent
	refused := x.caller(x.params())
	control := http.NewResponseController(x.w)
	r := x.r.WithContext(WithCall(x.r.Context(), x.call))
	r.Body = &pacedBody{ReadCloser: x.r.Body, pace: func() { _ = control.SetReadDeadline(time.Now().Add(x.BodyTimeout)) }}
	x.answered = true // from here on a panic must end the connection
	outcome := s.Whole(x.w, r, refused)
	_ = control.SetReadDeadline(time.Time{})
	x.call.Operation, x.ended.Status, x.ended.Code = outcome.Operation, outcome.Status, outcome.Code
	if outcome.Cause != nil {
		x.Log.Error("operation failed", "service", s.Name, "operation", outcome.Operation, "request", x.call.RequestID, "error", outcome.Cause)
	}
}

// pacedBody gives each read of a body its own time: a large body may take long, a client that stops sending may not.
type pacedBody struct {
	io.ReadCloser
	pace func()
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	b.pace()
	return b.ReadCloser.Read(p)
}
