package runtime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

const (
	errorTypeHeader    = "Lambda-Runtime-Function-Error-Type"
	errorBodyTrailer   = "Lambda-Runtime-Function-Error-Body"
	responseModeHeader = "Lambda-Runtime-Function-Response-Mode"
	errorWithCauseType = "application/vnd.aws.lambda.error.cause+json"
)

// maxDrainBytes bounds how much of a too long body is read only to be dropped.
const maxDrainBytes = 256 << 20

var (
	errTooLarge    = errors.New("body is too large")
	knownErrorType = regexp.MustCompile(`(Runtime|Function)\.[A-Z][a-zA-Z]+`)
)

// response takes the answer to the current invocation.
func (s *Server) response(w http.ResponseWriter, r *http.Request, id string) {
	x := s.claim(w, id, answering)
	if x == nil {
		return
	}
	if mode := r.Header.Get(responseModeHeader); mode != "" && mode != "streaming" {
		s.finish(x, failed("Runtime.InvalidResponseModeHeader", ""))
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	if x.Stream != nil && r.Header.Get(responseModeHeader) != "" {
		s.stream(w, r, x)
		return
	}
	body, err := readBody(r)
	switch {
	case errors.Is(err, errTooLarge):
		s.finishTooLarge(w, x, MaxResponseBytes)
	case err != nil:
		s.unclaim()
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
	default:
		s.finish(x, responseOutcome(body, r.Trailer))
		accept(w)
	}
}

// invocationError takes the error that the runtime has for the current invocation.
func (s *Server) invocationError(w http.ResponseWriter, r *http.Request, id string) {
	x := s.claim(w, id, answeringError)
	if x == nil {
		return
	}
	body, err := readBody(r)
	switch {
	case errors.Is(err, errTooLarge):
		s.finishTooLarge(w, x, MaxResponseBytes)
		return
	case err != nil:
		s.unclaim()
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	if r.Header.Get("Content-Type") == errorWithCauseType {
		body = withoutCause(body)
	}
	s.finish(x, Outcome{Payload: body, Failed: true, ErrorType: classify(r.Header.Get(errorTypeHeader))})
	accept(w)
}

// initError takes the report of a runtime that could not initialize.
func (s *Server) initError(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	from := s.state
	if from == started {
		s.state = initFailed
	}
	s.mu.Unlock()
	if from != started { // whose report, which may be long, nobody needs
		refuseTransition(w, from, initFailed)
		return
	}
	body, err := readBody(r)
	if err != nil {
		body = nil // too long or cut short: the type alone is the report
	}
	s.failed <- Failure{Payload: body, ErrorType: classify(r.Header.Get(errorTypeHeader))}
	accept(w)
}

// claim returns the current invocation if id names it and nobody is answering it; otherwise it writes the refusal.
func (s *Server) claim(w http.ResponseWriter, id string, to state) *exchange {
	s.mu.Lock()
	x, from := s.current, s.state
	known := x != nil && x.RequestID == id
	if known && from == running {
		s.state = to
		s.mu.Unlock()
		return x
	}
	s.mu.Unlock()
	if known && (from == answering || from == answeringError) {
		refuseTransition(w, from, to)
	} else {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	}
	return nil
}

// unclaim gives an answer up that did not arrive whole. Another may follow.
func (s *Server) unclaim() {
	s.mu.Lock()
	s.state = running
	s.mu.Unlock()
}

func (s *Server) finish(x *exchange, outcome Outcome) {
	s.mu.Lock()
	s.state = answered
	s.mu.Unlock()
	x.outcome <- outcome
}

func (s *Server) finishTooLarge(w http.ResponseWriter, x *exchange, limit int) {
	s.finish(x, tooLarge(limit))
	refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", limit))
}

// failed is the outcome of an answer that cannot be used.
func failed(errorType, message string) Outcome {
	return Outcome{Payload: errorDocument(errorType, message), Failed: true, ErrorType: errorType}
}

// responseOutcome turns a body and its trailers into the outcome: a runtime that fails while it streams a response
// says so in the trailers.
func responseOutcome(body []byte, trailer http.Header) Outcome {
	errorType := trailer.Get(errorTypeHeader)
	if errorType == "" {
		return Outcome{Payload: body}
	}
	document, err := base64.StdEncoding.DecodeString(trailer.Get(errorBodyTrailer))
	if err != nil || len(document) == 0 {
		document = errorDocument(errorType, "")
	}
	return Outcome{Payload: document, Failed: true, ErrorType: classify(errorType)}
}

// readBody reads the whole body, or returns errTooLarge after having read past it.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxResponseBytes {
		drain(r.Body)
		return nil, errTooLarge
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(r.Body, MaxResponseBytes+1))
	if err != nil {
		return nil, err
	}
	if n > MaxResponseBytes {
		drain(r.Body)
		return nil, errTooLarge
	}
	return body.Bytes(), nil
}

// drain reads on after the limit, so that a runtime that writes its whole body before it reads gets to see the refusal.
func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, maxDrainBytes) }

// classify keeps an error type of the known form and gives others their general one.
func classify(errorType string) string {
	switch {
	case knownErrorType.MatchString(errorType):
		return errorType
	case strings.HasPrefix(errorType, "Function."):
		return "Function.Unknown"
	}
	return "Runtime.Unknown"
}

// withoutCause takes the caller's part out of a document that also carries a cause for X-Ray.
func withoutCause(body []byte) []byte {
	var document struct {
		ErrorMessage string   `json:"errorMessage"`
		ErrorType    string   `json:"errorType"`
		StackTrace   []string `json:"stackTrace"`
	}
	if json.Unmarshal(body, &document) != nil {
		return []byte(`"Invalid error body"`)
	}
	out, err := json.Marshal(document)
	if err != nil {
		return []byte(`"Invalid error body"`)
	}
	return out
}
