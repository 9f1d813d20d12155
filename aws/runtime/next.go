package runtime

import (
	"net/http"
	"strconv"
)

// next answers with the next invocation, as soon as there is one. Who asks takes the place of who asked before: a
// runtime that lost its connection while it waited must not lose its work to the broken one.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	x, replaced, ok := s.ask(w)
	if !ok {
		return
	}
	if x == nil {
		select {
		case offered := <-s.work:
			if x = s.take(offered, replaced); x == nil {
				return
			}
		case <-replaced:
			refuseTransition(w, ready, ready)
			return
		case <-r.Context().Done():
			return
		case <-s.closing:
			refuseClosing(w)
			return
		}
	}
	writeInvocation(w, x)
}

// ask moves the runtime to the state of waiting for work. It returns the invocation that the runtime has already, if
// any, and a channel that is closed when another asks. When asking is not allowed now, the refusal has been written and
// ok is false.
func (s *Server) ask(w http.ResponseWriter) (again *exchange, replaced chan struct{}, ok bool) {
	s.mu.Lock()
	var settled func()
	from := s.state
	switch from {
	case started:
		s.state = ready
		settled = s.advance()
	case answered:
		s.state, s.done = ready, true
		settled = s.advance()
	case running:
		again = s.current
	case ready:
		close(s.asked)
	default:
		s.mu.Unlock()
		refuseTransition(w, from, ready)
		return nil, nil, false
	}
	s.asked = make(chan struct{})
	replaced = s.asked
	s.mu.Unlock()
	if settled != nil {
		settled()
	}
	return again, replaced, true
}

// advance sees whether the environment has become ready, for the first time or after an invocation, and returns what is to
// be called then, without the mutex that the caller holds.
func (s *Server) advance() (settled func()) {
	for _, e := range s.extensions {
		if e.owes || !s.initialized && e.state != ready && e.state != running {
			return nil
		}
	}
	if !s.initialized && s.state != started && s.state != initFailed {
		s.initialized = true
		s.relay.shut()
		close(s.ready)
	}
	if s.done {
		settled = s.current.Settled
		s.current, s.busy, s.done = nil, false, false
	}
	return settled
}

// take makes an offered invocation the current one, or puts it back and returns nil when another asked meanwhile.
func (s *Server) take(x *exchange, replaced chan struct{}) *exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked != replaced {
		s.work <- x // has room, see Begin
		return nil
	}
	s.current = x
	s.taken = true
	s.state = running
	return x
}

func writeInvocation(w http.ResponseWriter, x *exchange) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(x.Payload))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{x.RequestID}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(x.Deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{x.FunctionARN}
	if x.TraceID != "" {
		h["Lambda-Runtime-Trace-Id"] = []string{x.TraceID}
	}
	if x.ClientContext != "" {
		h["Lambda-Runtime-Client-Context"] = []string{x.ClientContext}
	}
	w.WriteHeader(http.StatusOK)
	// A write that fails leaves the invocation with the runtime: it may ask again, and otherwise its end or the
	// deadline decides.
	_, _ = w.Write(x.Payload)
}
