package wiretest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Serve has a request answered.
func Serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var requestID = regexp.MustCompile(`<(RequestId|HostId)>[^<]*</(RequestId|HostId)>`)

// Body shows the body of an answer: a line, or nothing if there is none. CBOR is shown in its diagnostic notation, and the ids of
// requests in XML are masked.
func Body(w *httptest.ResponseRecorder) string {
	kind, body := w.Header().Get("Content-Type"), w.Body.String()
	switch {
	case body == "":
		return ""
	case strings.Contains(kind, "cbor"):
		if notation, err := cbor.Diagnose([]byte(body)); err == nil {
			body = notation
		} else {
			body = fmt.Sprintf("no CBOR (%v): %x", err, body)
		}
	case strings.Contains(kind, "xml"):
		body = requestID.ReplaceAllString(body, "<$1>ID</$1>")
	}
	return body + "\n"
}

// Show shows an answer: the status, the content type, the error by its older name if there is one, and the body.
func Show(w *httptest.ResponseRecorder) string {
	text := fmt.Sprintln(w.Code, w.Header().Get("Content-Type"))
	for name, values := range w.Header() { // as it is written, which Get would not find
		if strings.EqualFold(name, "x-amzn-query-error") {
			text += fmt.Sprintln(name+":", values[0])
		}
	}
	if w.Body.Len() == 0 {
		return text + "\n"
	}
	return text + Body(w)
}
