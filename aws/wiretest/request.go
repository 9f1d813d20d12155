package wiretest

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Scope is what a request is signed for: the day, the region and the service, as in 20260101/us-east-1/sts.
type Scope string

// key is whose requests they are if nothing else is said.
const key = "AKIDEXAMPLE"

// Header returns the headers of a signed request, as text. The signature is none; doors do not look at it.
func (s Scope) Header(key string) string {
	day, _, _ := strings.Cut(string(s), "/")
	return fmt.Sprintf("Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/aws4_request, SignedHeaders=host, Signature=0f\nX-Amz-Date: %sT000000Z", key, s, day)
}

// Sign gives a request these headers.
func (s Scope) Sign(r *http.Request) {
	for line := range strings.Lines(s.Header(key)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		r.Header.Set(name, value)
	}
}

// Call makes the request of an operation that a header names, in JSON or CBOR.
func (s Scope) Call(target, contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", contentType)
	s.Sign(r)
	return r
}

// Form makes the request of an operation of AWS's Query protocol. The text is the operation and its parameters, a line each.
func (s Scope) Form(t testing.TB, version, text string) *http.Request {
	t.Helper()
	operation, rest, _ := strings.Cut(text, "\n")
	form := url.Values{"Action": {operation}, "Version": {version}}
	for line := range strings.Lines(rest) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			t.Fatalf("no parameter: %q", line)
		}
		form.Set(name, value)
	}
	return s.Parse(t, "POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\nAUTH", form.Encode())
}

// Parse makes the request whose head is text, in which AUTH stands for the headers of a signed one. Where the head has no Host
// or Content-Length they are added.
func (s Scope) Parse(t testing.TB, head, body string) *http.Request {
	t.Helper()
	head = strings.ReplaceAll(strings.TrimRight(head, "\n"), "AUTH", s.Header(key))
	if !strings.Contains(head, "Host:") {
		head += "\nHost: 127.0.0.1:4566"
	}
	if !strings.Contains(head, "Content-Length:") {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)))
	if err != nil {
		t.Fatalf("%v\n%s", err, head)
	}
	return r
}
