package function_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/millrace/millrace/function"
)

// TestPayloadsThatAreNoJSON compares what is said about payloads. The first two were recorded at AWS.
func TestPayloadsThatAreNoJSON(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.active("f")
		for _, c := range []struct{ payload, problem string }{
			{"\x99\xeb,j\x07\xa1zYh", "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')|1, column: 1"},
			{"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", "Invalid UTF-8 start byte 0x87|1, column: 3"},
			{"\n }", "Unexpected character ('}' (code 125)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')|2, column: 2"},
			{`{"a":`, "unexpected end of JSON input|1, column: 5"},
		} {
			_, err := h.functions.Invoke(t.Context(), function.Invocation{Ref: ref("f"), Payload: []byte(c.payload)})
			var invalid *function.InvalidPayloadError
			if !errors.As(err, &invalid) {
				t.Errorf("%q: %v", c.payload, err)
				continue
			}
			text, place, _ := strings.Cut(c.problem, "|")
			if !strings.HasPrefix(invalid.Problem, text) || !strings.HasSuffix(invalid.Problem, "line: "+place+"]") {
				t.Errorf("%q is answered with %q", c.payload, invalid.Problem)
			}
		}
	})
}

// The type of an ordinary exception is in the error's document alone.
func TestReasonOfAFailure(t *testing.T) {
	long := strings.Repeat("é", 200)
	for _, test := range []struct{ errorType, payload, want string }{
		{"", `"done"`, ""},
		{"Runtime.Unknown", `{"errorMessage":"no","errorType":"ValueError"}`, "ValueError"},
		{"Function.Unknown", `{"errorType":"KeyError"}`, "KeyError"},
		{"Function.ResponseSizeTooLarge", `{"errorType":"Mine"}`, "Function.ResponseSizeTooLarge"},
		{"Runtime.Unknown", `{"errorMessage":"no"}`, "Runtime.Unknown"},
		{"Runtime.Unknown", `{"errorType":7}`, "Runtime.Unknown"},
		{"Runtime.Unknown", `no`, "Runtime.Unknown"},
		{"Runtime.Unknown", ``, "Runtime.Unknown"},
		{"Runtime.Unknown", `{"errorType":"a` + long + `"}`, ("a" + long)[:255]},
	} {
		if got := (function.Result{ErrorType: test.errorType, Payload: []byte(test.payload)}).Reason(); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.errorType, test.payload, got, test.want)
		}
	}
}
