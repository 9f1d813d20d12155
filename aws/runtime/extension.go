package runtime

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// MaxExtensions is how many extensions an environment may have.
const MaxExtensions = 10

const (
	extensionNameHeader      = "Lambda-Extension-Name"
	extensionIDHeader        = "Lambda-Extension-Identifier"
	extensionEventHeader     = "Lambda-Extension-Event-Identifier"
	extensionErrorTypeHeader = "Lambda-Extension-Function-Error-Type"
	acceptFeatureHeader      = "Lambda-Extension-Accept-Feature"
)

// maxRegistrationBytes bounds the document of a registration.
const maxRegistrationBytes = 64 << 10

const (
	invokeEvent   = "INVOKE"
	shutdownEvent = "SHUTDOWN"
)

// States that only extensions have.
const (
	registered state = "Registered"
	exitFailed state = "ExitError"
)

// extension is a companion of the runtime. An external one is a process of its own, known before it registers; an internal
// one lives in the runtime's process and is known by its registration.
type extension struct {
	id       uuid.UUID
	name     string
	external bool

	// Guarded by the server's mutex.
	state   state
	invoke  bool   // wants to hear of invocations
	end     bool   // wants to hear of the shutdown
	waiting bool   // somebody waits for its next event
	owes    bool   // has not asked for the next event since it was to hear of the invocation
	failure string // the type of the error that it has reported
	// events holds two: an invocation, and the shutdown behind it.
	events chan []byte
}

func newExtension(name string, external bool) *extension {
	return &extension{id: uuid.New(), name: name, external: external, state: started, events: make(chan []byte, 2)}
}

// registration is what an extension asks for.
type registration struct {
	Events            []string `json:"events"`
	ConfigurationKeys []string `json:"configurationKeys"`
}

// register takes a new extension, or an external one that is expected.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get(extensionNameHeader)
	if name == "" {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	var asked registration
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRegistrationBytes))
	if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	switch {
	case err != nil:
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", err.Error())
		return
	case len(asked.ConfigurationKeys) > 0:
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")
		return
	}
	id, problem := s.admit(name, asked.Events)
	if problem != nil {
		problem.write(w)
		return
	}
	w.Header()[extensionIDHeader] = []string{id.String()}
	s.describeFunction(w, r)
}

// refusal is an answer that says no.
type refusal struct{ errorType, message string }

func (p *refusal) write(w http.ResponseWriter) {
	refuse(w, http.StatusForbidden, p.errorType, p.message)
}

func refuseExtension(from, to state, who string) *refusal {
	return &refusal{
		"Extension.InvalidExtensionState",
		fmt.Sprintf("State transition from %s to %s failed for extension %s. Error: State transition is not allowed", from, to, who),
	}
}

// admit registers an extension for its events.
func (s *Server) admit(name string, events []string) (uuid.UUID, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.extensionNamed(name)
	external := e != nil && e.external
	for _, event := range events {
		switch {
		case event != invokeEvent && event != shutdownEvent:
			return uuid.Nil, &refusal{"Extension.InvalidEventType", event + ": ErrorInvalidEventType"}
		case event == shutdownEvent && !external:
			return uuid.Nil, &refusal{"Extension.InvalidEventType", event + ": ShutdownEventNotSupportedForInternalExtension"}
		}
	}
	switch {
	case external && e.state != started:
		return uuid.Nil, refuseExtension(e.state, registered, name)
	case external:
	case s.state != started:
		return uuid.Nil, &refusal{"Extension.RegistrationClosed", "Extension registration closed already"}
	case len(s.extensions) >= MaxExtensions:
		return uuid.Nil, &refusal{"Extension.TooManyExtensions", fmt.Sprintf("Extension limit (%d) reached", MaxExtensions)}
	case e != nil:
		return uuid.Nil, &refusal{"Extension.InvalidExtensionState", "Extension with this name already registered"}
	default:
		e = newExtension(name, false)
		s.extensions = append(s.extensions, e)
	}
	e.state = registered
	e.invoke, e.end = slices.Contains(events, invokeEvent), slices.Contains(events, shutdownEvent)
	s.noteRegistered()
	return e.id, nil
}

// noteRegistered tells when the last external extension has registered; the caller holds the mutex.
func (s *Server) noteRegistered() {
	for _, e := range s.extensions {
		if e.state == started {
			return
		}
	}
	s.allRegistered.Do(func() { close(s.registered) })
}

func (s *Server) extensionNamed(name string) *extension {
	i := slices.IndexFunc(s.extensions, func(e *extension) bool { return e.name == name })
	if i < 0 {
		return nil
	}
	return s.extensions[i]
}

// describeFunction tells an extension whose companion it is.
func (s *Server) describeFunction(w http.ResponseWriter, r *http.Request) {
	document := struct {
		AccountID       string `json:"accountId,omitempty"`
		FunctionName    string `json:"functionName"`
		FunctionVersion string `json:"functionVersion"`
		Handler         string `json:"handler"`
	}{FunctionName: s.function.Name, FunctionVersion: s.function.Version, Handler: s.function.Handler}
	for feature := range strings.SplitSeq(r.Header.Get(acceptFeatureHeader), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			document.AccountID = s.function.AccountID
		}
	}
	body, err := json.Marshal(document)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	write(w, http.StatusOK, append(body, '\n'))
}

// identified returns the extension that a request comes from, or writes the refusal. The message for one that is unknown
// depends on the operation.
func (s *Server) identified(w http.ResponseWriter, r *http.Request, unknown string) *extension {
	text := r.Header.Get(extensionIDHeader)
	if text == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
		return nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.extensions {
		if e.id == id {
			return e
		}
	}
	if unknown == "" {
		unknown = "Unknown extension " + id.String()
	}
	refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", unknown)
	return nil
}

// nextEvent answers an extension with its next event, as soon as there is one.
func (s *Server) nextEvent(w http.ResponseWriter, r *http.Request) {
	e := s.identified(w, r, "")
	if e == nil || !s.awaitEvent(w, e) {
		return
	}
	select {
	case event := <-e.events:
		s.mu.Lock()
		e.state, e.waiting = running, false
		s.mu.Unlock()
		w.Header()[extensionEventHeader] = []string{uuid.NewString()}
		write(w, http.StatusOK, event)
	case <-r.Context().Done(): // it may ask again
		s.mu.Lock()
		e.waiting = false
		s.mu.Unlock()
	case <-s.closing:
		refuseClosing(w)
	}
}

// awaitEvent notes that an extension is done with the event before and waits for the next.
func (s *Server) awaitEvent(w http.ResponseWriter, e *extension) bool {
	s.mu.Lock()
	from := e.state
	switch {
	case from == registered, from == ready && !e.waiting:
	case from == running:
		e.owes = false
	default:
		s.mu.Unlock()
		refuseExtension(from, ready, e.id.String()).write(w)
		return false
	}
	e.state, e.waiting = ready, true
	settled := s.advance()
	s.mu.Unlock()
	if settled != nil {
		settled()
	}
	return true
}

// extensionError takes the report of an extension that cannot initialize or go on.
func (s *Server) extensionError(w http.ResponseWriter, r *http.Request, to state, from ...state) {
	e := s.identified(w, r, "Unknown "+extensionIDHeader)
	if e == nil {
		return
	}
	if r.Header.Get(extensionErrorTypeHeader) == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingHeader", extensionErrorTypeHeader+" not found")
		return
	}
	s.mu.Lock()
	was := e.state
	allowed := was == to || slices.Contains(from, was)
	if allowed {
		e.state = to
		e.failure = r.Header.Get(extensionErrorTypeHeader)
		if s.extensionFailure == "" {
			s.extensionFailure = "Extension." + string(to)
		}
	}
	s.mu.Unlock()
	if !allowed {
		refuseExtension(was, to, e.id.String()).write(w)
		return
	}
	accept(w)
}

// tell gives the invocation to the extensions that want to hear of it; the caller holds the mutex.
func (s *Server) tell(x *exchange) {
	var event []byte
	for _, e := range s.extensions {
		if !e.invoke || e.state == initFailed || e.state == exitFailed {
			continue
		}
		if event == nil {
			event = invokeDocument(x)
		}
		e.owes = true
		select {
		case e.events <- event:
		default: // never: it has taken the one before
		}
	}
}

func invokeDocument(x *exchange) []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	document := struct {
		EventType          string   `json:"eventType"`
		DeadlineMs         int64    `json:"deadlineMs"`
		RequestID          string   `json:"requestId"`
		InvokedFunctionArn string   `json:"invokedFunctionArn"`
		Tracing            *tracing `json:"tracing,omitempty"`
	}{EventType: invokeEvent, DeadlineMs: x.Deadline.UnixMilli(), RequestID: x.RequestID, InvokedFunctionArn: x.FunctionARN}
	if x.TraceID != "" {
		document.Tracing = &tracing{"X-Amzn-Trace-Id", x.TraceID}
	}
	return mustMarshal(document)
}

// Extensions returns how many extensions there are, and how many of them are external.
func (s *Server) Extensions() (all, external int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.extensions {
		if e.external {
			external++
		}
	}
	return len(s.extensions), external
}

// ExtensionStatus is where an extension stands.
type ExtensionStatus struct {
	Name     string
	External bool
	// State is Started, Registered, Ready, Running, InitError or ExitError.
	State string
	// Events are those that it is told of: INVOKE, SHUTDOWN.
	Events []string
	// ErrorType is what it called the error that it has reported, or empty.
	ErrorType string
}

// Shutdown reports whether the extension is told of the end of the environment.
func (e ExtensionStatus) Shutdown() bool { return slices.Contains(e.Events, shutdownEvent) }

// Roster lists the extensions, external ones first.
func (s *Server) Roster() (all []ExtensionStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.extensions {
		status := ExtensionStatus{Name: e.name, External: e.external, State: string(e.state), ErrorType: e.failure}
		if e.invoke {
			status.Events = append(status.Events, invokeEvent)
		}
		if e.end {
			status.Events = append(status.Events, shutdownEvent)
		}
		all = append(all, status)
	}
	return all
}

// ExtensionFailure is "Extension.InitError" or "Extension.ExitError" when an extension has reported that it cannot go on, as
// the first did, and otherwise empty.
func (s *Server) ExtensionFailure() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.extensionFailure
}

// Registered is closed when all external extensions have registered: then the runtime may be started.
func (s *Server) Registered() <-chan struct{} { return s.registered }

// Shutdown tells the extensions that want to hear of it that the environment ends, why ("spindown", "timeout" or "failure"),
// and by when they are to be gone.
func (s *Server) Shutdown(reason string, deadline time.Time) {
	event := mustMarshal(struct {
		EventType      string `json:"eventType"`
		DeadlineMs     int64  `json:"deadlineMs"`
		ShutdownReason string `json:"shutdownReason"`
	}{shutdownEvent, deadline.UnixMilli(), reason})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.extensions {
		if !e.end {
			continue
		}
		select {
		case e.events <- event:
		default: // it was told before
		}
	}
}

// mustMarshal encodes a document of plain fields, which cannot fail.
func mustMarshal(document any) []byte {
	body, err := json.Marshal(document)
	if err != nil {
		return []byte("{}")
	}
	return body
}
