package runtime

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	root           = "/2018-06-01/"
	invocation     = "runtime/invocation/"
	extensionsRoot = "/2020-01-01/extension/"
)

// jsonType is a header value, shared and never changed.
var jsonType = []string{"application/json"}

// serveHTTP finds the operation. The paths are few and fixed but for a request id in the middle.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, root)
	if !ok {
		s.serveExtension(w, r)
		return
	}
	switch path {
	case "runtime/invocation/next":
		if allow(w, r, http.MethodGet) {
			s.next(w, r)
		}
		return
	case "runtime/init/error":
		if allow(w, r, http.MethodPost) {
			s.initError(w, r)
		}
		return
	case "ping":
		if allow(w, r, http.MethodGet) {
			_, _ = w.Write([]byte("pong"))
		}
		return
	}
	s.serveAnswer(w, r, path)
}

// serveExtension finds the operation of an extension.
func (s *Server) serveExtension(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.Path, extensionsRoot)
	switch path {
	case "register":
		if allow(w, r, http.MethodPost) {
			s.register(w, r)
		}
	case "event/next":
		if allow(w, r, http.MethodGet) {
			s.nextEvent(w, r)
		}
	case "init/error":
		if allow(w, r, http.MethodPost) {
			s.extensionError(w, r, initFailed, registered)
		}
	case "exit/error":
		if allow(w, r, http.MethodPost) {
			s.extensionError(w, r, exitFailed, registered, ready, running)
		}
	case "/2020-08-15/logs", "/2020-08-15/logs/":
		if allow(w, r, http.MethodPut) {
			s.subscribe(w, r, olderAPI, "logs")
		}
	case "/2022-07-01/telemetry", "/2022-07-01/telemetry/":
		if allow(w, r, http.MethodPut) {
			s.subscribe(w, r, currentAPI, "telemetry")
		}
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) serveAnswer(w http.ResponseWriter, r *http.Request, path string) {
	rest, ok := strings.CutPrefix(path, invocation)
	id, verb, found := strings.Cut(rest, "/")
	if !ok || !found || (verb != "response" && verb != "error") {
		http.NotFound(w, r)
		return
	}
	if !allow(w, r, http.MethodPost) {
		return
	}
	if verb == "response" {
		s.response(w, r, id)
	} else {
		s.invocationError(w, r, id)
	}
}

func allow(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.WriteHeader(http.StatusMethodNotAllowed)
	return false
}

var acceptedBody = []byte("{\"status\":\"OK\"}\n")

// accept says that an answer or a report was taken.
func accept(w http.ResponseWriter) { write(w, http.StatusAccepted, acceptedBody) }

// refuse answers with an error document.
func refuse(w http.ResponseWriter, status int, errorType, message string) {
	body, err := json.Marshal(struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorType    string `json:"errorType"`
	}{message, errorType})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	write(w, status, append(body, '\n'))
}

func refuseTransition(w http.ResponseWriter, from, to state) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to))
}

// refuseClosing answers who is still here when the environment is taken down, if the connection lasts for that long.
func refuseClosing(w http.ResponseWriter) {
	refuse(w, http.StatusInternalServerError, "InternalServerError", "Container error. Non-recoverable state. Runtime should exit promptly.")
}

func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// errorDocument is an error in the form that callers of the function see.
func errorDocument(errorType, message string) []byte {
	body, err := json.Marshal(struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorType    string `json:"errorType"`
	}{message, errorType})
	if err != nil {
		return []byte("{}")
	}
	return body
}
