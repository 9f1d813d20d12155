package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const (
	// MaxStreamBytes is the longest response, in bytes, that a runtime may stream.
	MaxStreamBytes = 200 << 20
	// streamChunk bounds the parts in which a streamed response is handed on, in bytes.
	streamChunk = 32 << 10
)

// stream hands a response on as it comes. A receiver that is slow holds the runtime back.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, x *exchange) {
	if x.Began != nil {
		x.Began(r.Header.Get("Content-Type"))
	}
	buffer, total := make([]byte, streamChunk), 0
	for {
		n, err := r.Body.Read(buffer)
		if total += n; total > MaxStreamBytes {
			drain(r.Body)
			s.finishTooLarge(w, x, MaxStreamBytes)
			return
		}
		if n > 0 && !s.handOn(x, bytes.Clone(buffer[:n])) {
			refuseClosing(w)
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			outcome := responseOutcome(nil, r.Trailer)
			outcome.Streamed = true
			s.finish(x, outcome)
			accept(w)
			return
		case err != nil:
			s.unclaim()
			refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
			return
		}
	}
}

// handOn waits until the receiver has a part; false when the server is closed.
func (s *Server) handOn(x *exchange, part []byte) bool {
	select {
	case x.Stream <- part:
		return true
	case <-s.closing:
		return false
	}
}

// tooLarge is the outcome of a response that is longer than it may be.
func tooLarge(limit int) Outcome {
	return failed("Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit))
}
