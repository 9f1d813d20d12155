package main

import (
	"fmt"
	"strings"
)

// reachOutput marks the shapes of the operation's output. Of an event stream these are the events: its exceptions are
// written by the dispatcher. What rest-json has beside them, headers and the status, is the stream's to say.
func (m *model) reachOutput(o *operation) error {
	if o.Output == nil {
		return nil
	}
	out := m.shapes[o.Output.Shape]
	if out == nil {
		return fmt.Errorf("no shape %s", o.Output.Shape)
	}
	for _, x := range out.members {
		if x.shape.EventStream {
			o.events = x.shape
		}
	}
	if o.events == nil {
		m.reach(o.Output.Shape, m.outputs)
		return nil
	}
	if rest := m.metadata.Protocol == "rest-json"; !rest && (len(out.members) > 1 || m.metadata.Protocol != "json") {
		return fmt.Errorf("an event stream beside other members, or in %s, is not supported", m.metadata.Protocol)
	}
	for _, x := range out.members {
		if x.shape != o.events && x.Location == "" {
			return fmt.Errorf("an event stream beside the member %s of the body is not supported", x.name)
		}
	}
	for _, x := range o.events.members {
		switch {
		case x.shape.Event:
			x.shape.eventName = x.name
			m.reach(x.Shape, m.outputs)
		case !x.shape.Exception:
			return fmt.Errorf("event %s of shape %s is not supported", x.name, x.Shape)
		}
	}
	return nil
}

// exceptions are the fields of the table about what may end the stream; "" when nothing but its end may.
func (o *operation) exceptions() string {
	var names []string
	fault := ""
	for _, x := range o.events.members {
		if !x.shape.Exception {
			continue
		}
		names = append(names, fmt.Sprintf("%q", x.name))
		if x.shape.Fault {
			fault = x.name
		}
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf("Exceptions: []string{%s}, Fault: %q", strings.Join(names, ", "), fault)
}

// writeEventType writes the name that an event has in its stream.
func writeEventType(s *source, sh *shape) {
	s.p("// EventType is the event's name in its stream.")
	s.p("func (v *%s) EventType() string { return %q }\n", exported(sh.name), sh.eventName)
	for _, x := range sh.members {
		if x.EventPayload && x.shape.Type == "blob" {
			s.p("// RawBody is the event's whole payload, as it stands.")
			s.p("func (v *%s) RawBody() []byte { return v.%s }\n", exported(sh.name), exported(x.name))
		}
	}
}
