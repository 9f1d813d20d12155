package protocol

import (
	"context"
	"io"
	"maps"
	"net/http"
)

// Elsewhere takes a request of a service that does not live in this server, and returns the answer of where it lives. The call is
// in the request's context; body is what was sent, and nil when the request has its own. An *Error says why there is none.
type Elsewhere func(r *http.Request, body []byte) (*http.Response, error)

// away hands on the request of a service that lives elsewhere, and reports whether it did. Where callers are judged, that is done
// once it is known what they want.
func (x *exchange) away() bool {
	if x.service == nil || x.service.Elsewhere == nil || x.Authorizer != nil {
		return false
	}
	if x.identify(x.params()) {
		x.handOn(WithCall(x.r.Context(), x.call))
	}
	return true
}

// handOn answers with what the service answers where it lives.
func (x *exchange) handOn(ctx context.Context) {
	answer, err := x.service.Elsewhere(x.r.WithContext(ctx), x.signed())
	if err != nil {
		x.fail(err)
		return
	}
	x.answered = true
	x.ended.Status = answer.StatusCode
	for _, own := range []string{"x-amzn-RequestId", "x-amz-id-2", "smithy-protocol"} {
		delete(x.w.Header(), own)
	}
	if err := Relay(x.w, answer); err != nil {
		x.Log.Debug("answer from elsewhere was cut off", "service", x.call.Service, "request", x.call.RequestID, "error", err)
		panic(http.ErrAbortHandler) // so that it is not taken for whole
	}
}

// Relay writes an answer that came from elsewhere, as it comes, and closes it.
func Relay(w http.ResponseWriter, answer *http.Response) error {
	defer func() { _ = answer.Body.Close() }()
	answer.Header.Del("Connection")
	answer.Header.Del("Transfer-Encoding")
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	if answer.ContentLength >= 0 {
		_, err := io.Copy(w, answer.Body)
		return err
	}
	// Its end is not known: events, for which somebody waits.
	control, buffer := http.NewResponseController(w), make([]byte, 16<<10)
	for {
		n, err := answer.Body.Read(buffer)
		if n > 0 {
			if _, failed := w.Write(buffer[:n]); failed != nil {
				return failed
			}
			_ = control.Flush()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
