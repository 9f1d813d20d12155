package process_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/function"
)

// streamed invokes and returns the parts of the response with the result.
func (h *house) streamed(name, payload string) (parts []string, result function.Result) {
	h.t.Helper()
	stream, ended := function.NewStream(), make(chan error)
	go func() {
		var err error
		result, err = h.functions.Invoke(h.t.Context(), function.Invocation{
			Ref:     function.Ref{Name: function.Name{Account: account, Region: region, Name: name}},
			Payload: []byte(payload), Stream: stream,
		})
		ended <- err
	}()
	for {
		select {
		case part := <-stream.Parts:
			parts = append(parts, string(part))
		case err := <-ended:
			if err != nil {
				h.t.Fatal(err)
			}
			return parts, result
		}
	}
}

// TestNodeStreams reads what handlers stream, in parts; what fails in the middle, and what does not stream.
func TestNodeStreams(t *testing.T) {
	h := open(t)
	runtime := nodeRuntime(t, h)
	for name, handler := range map[string]string{"s": "stream", "p": "streamPrelude", "f": "streamFails", "e": "echo"} {
		h.deploy(name, runtime, "src/index."+handler, files{"src/index.js": nodeHandlers})
	}
	for _, c := range []struct{ name, parts, payload, functionError string }{
		{"s", `{"streamed":{"a":1}}`, "", ""},
		{"p", "{\"statusCode\":201}\x00\x00\x00\x00\x00\x00\x00\x00body", "", ""},
		{"f", "part", `"errorMessage":"in the middle"`, "Unhandled"},
		{"e", "", `{"a":1}`, ""},
	} {
		parts, result := h.streamed(c.name, `{"a":1}`)
		if got := strings.Join(parts, ""); got != c.parts || !strings.Contains(string(result.Payload), c.payload) || result.FunctionError != c.functionError {
			t.Errorf("%s: streamed %q, then %s %s", c.name, got, result.FunctionError, result.Payload)
		}
	}
}
