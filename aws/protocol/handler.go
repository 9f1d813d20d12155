package protocol

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// Config is what a dispatcher is told.
type Config struct {
	// Log gets internal failures and panics. Required.
	Log *slog.Logger
	// Account and Region are those of callers whose signature names none. Required.
	Account, Region string
	// Authenticator decides whom to believe; nil is Open{Account}.
	Authenticator Authenticator
	// Authorizer decides what callers may do; nil lets everyone do everything.
	Authorizer Authorizer
	// BodyMemory bounds the bytes of all bodies that are in memory at the same time, those that are being read and the inputs
	// that have been decoded from them; 0 = 128 MiB.
	BodyMemory int64
	// BodyWait is how long a request waits for memory before it is told to come again; 0 = 5 s.
	BodyWait time.Duration
	// BodyTimeout bounds the time in which a body must arrive; 0 = 60 s.
	BodyTimeout time.Duration
	// Observe, if set, is told of every answer. It is called from many goroutines.
	Observe func(Call, Answered)
}

// Answered is how a request ended.
type Answered struct {
	Status   int
	Code     string        // of the error; empty on success
	Duration time.Duration // of an answer of events: until it began
}

// handler is the dispatcher. Nothing of it changes once made, except the budget's count and the log-once marks.
type handler struct {
	Config
	budget  *budget
	targets map[string]*Service // by X-Amz-Target's prefix
	rpcs    map[string]*Service // by the name in paths of rpc-v2-cbor
	forms   []*Service          // that speak the query protocol
	wholes  []*Service          // that answer whole requests
	paths   *restTable
	// operations are those offered, by service and name.
	operations map[*Service]map[string]*Operation
	missing    onceEach
}

// NewHandler makes the dispatcher for the services. It answers every request that it is given: other paths of the
// same server must be taken out before.
func NewHandler(config Config, services ...Service) http.Handler {
	if config.Authenticator == nil {
		config.Authenticator = Open{Account: config.Account}
	}
	if config.BodyMemory == 0 {
		config.BodyMemory = 128 << 20
	}
	if config.BodyWait == 0 {
		config.BodyWait = 5 * time.Second
	}
	if config.BodyTimeout == 0 {
		config.BodyTimeout = time.Minute
	}
	h := &handler{
		Config:     config,
		budget:     newBudget(config.BodyMemory),
		targets:    map[string]*Service{},
		rpcs:       map[string]*Service{},
		operations: map[*Service]map[string]*Operation{},
	}
	all := make([]*Service, len(services))
	for i := range services {
		s := &services[i]
		all[i] = s
		if s.TargetPrefix != "" {
			h.targets[s.TargetPrefix] = s
		}
		if s.RPCName != "" {
			h.rpcs[s.RPCName] = s
		}
		if s.QueryVersion != "" {
			h.forms = append(h.forms, s)
		}
		if s.Whole != nil {
			h.wholes = append(h.wholes, s)
		}
		h.operations[s] = map[string]*Operation{}
		for j := range s.Operations {
			h.operations[s][s.Operations[j].Name] = &s.Operations[j]
		}
	}
	h.paths = newRestTable(all)
	return h
}

// exchange is one request and its answer.
type exchange struct {
	*handler
	w           http.ResponseWriter
	r           *http.Request
	start       time.Time
	service     *Service   // nil while, and if, not known
	op          *Operation // nil while, and if, not known or not offered
	protocol    Protocol
	contentType string // of the request, without parameters
	call        Call
	body        *body
	packed      *body     // the body as it was sent, when that was compressed
	sent        body      // the body as it was sent, which body or packed points to once it is asked for
	values      [6]string // of the headers that have been set, of which the answer's headers are slices
	set         int
	answered    bool
	ended       Answered
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{handler: h, w: w, r: r, start: time.Now(), sent: body{budget: h.budget}}
	defer x.end()
	defer x.recover()
	x.begin()
	if s := x.claimed(); s != nil {
		x.serveClaimed(s)
		return
	}
	if x.preflight() {
		return
	}
	target := r.Header.Get("X-Amz-Target")
	if whole := x.whole(); whole != nil && target == "" {
		x.serveWhole(whole)
		return
	}
	match := h.paths.find(r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	switch {
	case x.isRPC():
		x.serveRPC()
	case target != "":
		x.serveJSON(target)
	case match.service != nil:
		x.serveREST(match)
	case x.isForm():
		x.serveQuery()
	default:
		x.serveJSON("")
	}
}

// dropBody lets go of the body's bytes, which the door does not need beside its input.
func (x *exchange) dropBody() {
	for _, b := range []*body{x.body, x.packed} {
		if b != nil {
			b.decoded()
		}
	}
}

// end gives the body's memory back and reports the answer.
func (x *exchange) end() {
	for _, b := range []*body{x.body, x.packed} {
		if b != nil {
			b.release()
		}
	}
	if x.Observe != nil {
		if x.ended.Duration == 0 {
			x.ended.Duration = time.Since(x.start)
		}
		x.Observe(x.call, x.ended)
	}
}

// recover answers for a door that panicked.
func (x *exchange) recover() {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	x.Log.Error("panic while answering a request", "service", x.call.Service, "operation", x.call.Operation,
		"request", x.call.RequestID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	if x.body != nil {
		x.body.keep = true // whatever panicked may still hold on to it
	}
	if x.answered {
		panic(http.ErrAbortHandler) // the answer has begun: end the connection, so that it is not taken for whole
	}
	x.fail(x.internal())
}
