package sdkhttp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// closing is a body as the SDK's is when it was closed after the announced bytes were sent: whoever looks for more is
// answered with an error.
type closing struct{ *strings.Reader }

func (closing) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }

func (closing) Close() error { return nil }

func TestAnswerIsReadWhole(t *testing.T) {
	answered := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "question" {
			t.Errorf("%q, %v", body, err)
		}
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		<-answered
		_, _ = io.WriteString(w, "second")
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, closing{strings.NewReader("question")})
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = int64(len("question"))
	client := NewClient()
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	close(answered)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "first second" {
		t.Errorf("%q, %v", text, err)
	}
}
