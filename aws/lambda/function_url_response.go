package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// urlResponse is what a function may return to say what the answer is.
type urlResponse struct {
	StatusCode      json.RawMessage `json:"statusCode"`
	Headers         map[string]any  `json:"headers"`
	Cookies         []string        `json:"cookies"`
	Body            json.RawMessage `json:"body"`
	IsBase64Encoded bool            `json:"isBase64Encoded"`
}

// respond makes an answer of what the function returned. What has no status code is the body itself.
func (u *urlCall) respond(payload []byte) protocol.Outcome {
	var response urlResponse
	if json.Unmarshal(payload, &response) != nil || response.StatusCode == nil {
		return u.answer(http.StatusOK, plainBody(payload), "")
	}
	status, err := strconv.Atoi(strings.Trim(string(response.StatusCode), `"`))
	body := []byte(plainBody(response.Body))
	if err == nil && response.IsBase64Encoded {
		body, err = base64.StdEncoding.DecodeString(string(body))
	}
	if err != nil || status < 200 || status > 999 {
		return u.answer(http.StatusBadGateway, "Internal Server Error", "Function.InvalidResponse")
	}
	u.head(response)
	u.w.WriteHeader(status)
	_, _ = u.w.Write(body)
	return u.outcome(status, "")
}

// head sets the headers and cookies that a function returned.
func (u *urlCall) head(response urlResponse) {
	h := u.w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range response.Headers {
		if !strings.HasPrefix(strings.ToLower(name), "access-control-") || u.config.Cors == nil { // which the configuration says
			h.Set(name, fmt.Sprint(value))
		}
	}
	h.Del("Content-Length") // it may be wrong
	for _, cookie := range response.Cookies {
		h.Add("Set-Cookie", cookie)
	}
}

// plainBody is a text without its quotes, and anything else as short JSON.
func plainBody(document []byte) string {
	var text string
	if json.Unmarshal(document, &text) == nil {
		return text
	}
	var short bytes.Buffer
	if json.Compact(&short, document) != nil {
		return string(document)
	}
	return short.String()
}

// integrationResponse is the type of a streamed response that begins with its head: JSON, and eight zero bytes.
const integrationResponse = "application/vnd.awslambda.http-integration-response"

// maxURLHead bounds that head, in bytes.
const maxURLHead = 64 << 10

// streamURL answers with a response as it comes.
func (d *Door) streamURL(ctx context.Context, u *urlCall, in function.Invocation) protocol.Outcome {
	in.Stream = function.NewStream()
	var (
		result function.Result
		err    error
	)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result, err = d.Functions.Invoke(ctx, in)
	}()
	s := &urlStream{urlCall: u, stream: in.Stream}
	for {
		select {
		case part := <-in.Stream.Parts:
			s.take(part)
			continue
		case <-ended:
		}
		return s.end(result, err)
	}
}

// urlStream is a streamed response on its way to the caller.
type urlStream struct {
	*urlCall
	stream *function.Stream
	head   []byte // what came of the head, while it is not whole
	begun  bool
	status int
	broken bool // the head is none
}

// take sends a part on. A caller who has left takes nothing, and the function goes on.
func (s *urlStream) take(part []byte) {
	if s.broken {
		return
	}
	if !s.begun {
		if part = s.begin(part); part == nil {
			return
		}
	}
	_, _ = s.w.Write(part)
	_ = http.NewResponseController(s.w).Flush()
}

// begin starts the answer when its head is known, and returns what of the body has come; nil before that.
func (s *urlStream) begin(part []byte) []byte {
	response := urlResponse{}
	s.status = http.StatusOK
	if s.stream.ContentType == integrationResponse {
		s.head = append(s.head, part...)
		head, body, whole := bytes.Cut(s.head, make([]byte, 8))
		if !whole {
			s.broken = len(s.head) > maxURLHead
			return nil
		}
		if json.Unmarshal(head, &response) != nil {
			s.broken = true
			return nil
		}
		if n, err := strconv.Atoi(strings.Trim(string(response.StatusCode), `"`)); err == nil && n >= 200 && n <= 999 {
			s.status = n
		}
		part = append([]byte{}, body...)
	}
	s.urlCall.head(response)
	if s.stream.ContentType != integrationResponse && s.stream.ContentType != "" {
		s.w.Header().Set("Content-Type", s.stream.ContentType)
	}
	s.begun = true
	s.w.WriteHeader(s.status)
	return part
}

// end ends the answer. One that fails in the middle is cut off, so that it is not taken for whole.
func (s *urlStream) end(result function.Result, err error) protocol.Outcome {
	switch failed := err != nil || result.FunctionError != ""; {
	case failed && s.begun:
		panic(http.ErrAbortHandler)
	case err != nil:
		return s.failed(err)
	case failed, s.broken, !s.begun && len(s.head) > 0:
		return s.answer(http.StatusBadGateway, "Internal Server Error", result.ErrorType)
	case !s.begun:
		return s.respond(result.Payload) // of a function that does not stream
	}
	return s.outcome(s.status, "")
}
