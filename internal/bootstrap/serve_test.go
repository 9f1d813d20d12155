package bootstrap

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestServe invokes a function with an event it takes, one it refuses and one that is not JSON, and then goes away.
func TestServe(t *testing.T) {
	events := []string{`{"N":1}`, `{"N":-1}`, `{`}
	var calls []string
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/2018-06-01/runtime/invocation/")
		if !ok {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if path == "next" {
			if len(events) == 0 {
				w.WriteHeader(http.StatusGone)
				return
			}
			w.Header().Set(requestIDHeader, fmt.Sprintf("id-%d", len(events)))
			_, _ = io.WriteString(w, events[0])
			events = events[1:]
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		calls = append(calls, strings.TrimSpace(path+" "+r.Header.Get(errorTypeHeader)+" "+string(body)))
		w.WriteHeader(http.StatusAccepted)
	}))
	defer runtime.Close()
	t.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(runtime.URL, "http://"))
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")

	err := Serve(Taking(func(e struct{ N int }) error {
		if e.N < 0 {
			return errors.New("negative")
		}
		return nil
	}))
	if err == nil || !strings.Contains(err.Error(), "410 Gone") {
		t.Errorf("it ended with %v", err)
	}
	wanted := []string{
		`id-3/response  null`,
		`id-2/error errorString {"errorMessage":"negative","errorType":"errorString"}`,
		`id-1/error SyntaxError {"errorMessage":"unexpected end of JSON input","errorType":"SyntaxError"}`,
	}
	if !slices.Equal(calls, wanted) {
		t.Errorf("it called\n%s\nnot\n%s", strings.Join(calls, "\n"), strings.Join(wanted, "\n"))
	}
}
