package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func writeService(m *model, s *source) error {
	m.writeOperations(s)
	codes := m.codes()
	m.writeCodes(s, codes)
	s.p("// NewService describes the service to the dispatcher. Calls are answered by ops.")
	s.p("func NewService(ops Operations) protocol.Service {\n\treturn protocol.Service{")
	m.writeTraits(s)
	s.p("Errors: map[string]protocol.ErrorShape{")
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		s.p("%q: {%s},", code, codes[code].fields())
	}
	s.p("},\nOperations: []protocol.Operation{")
	for _, o := range m.operations {
		m.writeOperation(s, o)
	}
	s.p("},")
	m.writeUnoffered(s)
	s.p("}\n}")
	return nil
}

// writeUnoffered writes the paths of what is not carried out, so that the answer can say so.
func (m *model) writeUnoffered(s *source) {
	if m.metadata.Protocol != "rest-json" {
		return
	}
	s.p("Unoffered: []protocol.Operation{")
	for _, o := range m.unoffered {
		s.p("{Name: %q, Method: %q, Path: %q},", o.Name, o.HTTP.Method, o.HTTP.RequestURI)
	}
	s.p("},")
}

func (m *model) writeOperations(s *source) {
	s.p("// Operations are the operations of the service that are carried out. An error that is not a *protocol.Error")
	s.p("// is an internal failure to the client.\ntype Operations interface {")
	for _, o := range m.operations {
		switch {
		case o.Output == nil:
			s.p("\t%s(ctx context.Context, in *%s) error", o.Name, exported(o.Input.Shape))
		case o.events != nil:
			s.p("\t%s(ctx context.Context, in *%s) (protocol.EventStream, error)", o.Name, exported(o.Input.Shape))
		default:
			s.p("\t%s(ctx context.Context, in *%s) (*%s, error)", o.Name, exported(o.Input.Shape), exported(o.Output.Shape))
		}
	}
	s.p("}\n")
}

// code is what the dispatcher is told of an exception.
type code struct {
	status, queryStatus int
	lower, typed        bool
	query               string
}

func (c code) fields() string {
	parts := []string{fmt.Sprintf("Status: %d", c.status)}
	if c.lower {
		parts = append(parts, "Lower: true")
	}
	if c.typed {
		parts = append(parts, "Typed: true")
	}
	if c.query != "" {
		parts = append(parts, fmt.Sprintf("QueryCode: %q", c.query))
	}
	if c.queryStatus != 0 {
		parts = append(parts, fmt.Sprintf("QueryStatus: %d", c.queryStatus))
	}
	return strings.Join(parts, ", ")
}

// codes gathers the exceptions of the offered operations and those of the overlay.
func (m *model) codes() map[string]code {
	codes := map[string]code{}
	for _, name := range m.errors {
		sh := m.shapes[name]
		if sh == nil {
			continue
		}
		c := code{status: 400}
		if sh.Fault {
			c.status = 500
		}
		if sh.Error != nil && sh.Error.HTTPStatusCode != 0 {
			c.status = sh.Error.HTTPStatusCode
		}
		if m.metadata.Protocol == "query" && sh.Error != nil && sh.Error.Code != name {
			c.query = sh.Error.Code
		}
		for _, x := range sh.members {
			c.lower = c.lower || x.name == "message"
			c.typed = c.typed || x.name == "Type"
		}
		codes[name] = c
	}
	for name, over := range m.over.Errors {
		c, known := codes[name]
		if !known {
			c = code{status: 400, lower: over.Member != "Message", typed: over.Typed}
		}
		if over.Status != 0 {
			c.status = over.Status
		}
		if over.Query != "" {
			c.query = over.Query
		}
		c.queryStatus = over.QueryStatus
		codes[name] = c
	}
	return codes
}

func (m *model) writeCodes(s *source, codes map[string]code) {
	s.p("// The codes of the service's errors.\nconst (")
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		goName := constantName(name)
		if !strings.HasSuffix(goName, "Exception") {
			goName = "Error" + goName
		}
		s.p("\t%s = %q", goName, name)
	}
	s.p(")\n")
}

// constantName keeps letters and digits.
func constantName(code string) string { return strings.ReplaceAll(exported(code), ".", "") }

// compressed reports whether clients may send the operation's input in gzip's encoding.
func (o *operation) compressed() bool {
	return o.Compression != nil && slices.Contains(o.Compression.Encodings, "gzip")
}

func (m *model) writeTraits(s *source) {
	over := m.over
	s.p("Name: %q,", over.Scope)
	if m.metadata.Protocol == "json" {
		s.p("TargetPrefix: %q,\nJSONVersion: %q,", m.metadata.TargetPrefix, m.metadata.JSONVersion)
	}
	if over.CBOR {
		s.p("CBOR: true,")
	}
	if over.RPCName != "" {
		s.p("RPCName: %q,", over.RPCName)
	}
	if m.metadata.Protocol == "rest-json" {
		s.p("REST: true,")
	}
	if slices.ContainsFunc(m.operations, (*operation).compressed) {
		s.p("Gzip: true,")
	}
	if over.ErrorNamespace != "" {
		s.p("ErrorNamespace: %q,", over.ErrorNamespace)
	}
	if q := over.Query; q != nil {
		s.p("QueryVersion: %q,\nXMLNamespace: %q,", q.Version, q.Namespace)
		if q.PathMember != "" {
			s.p("QueryPathMember: %q,", q.PathMember)
		}
		if q.Detail {
			s.p("QueryDetail: true,")
		}
	}
	s.p("MaxBodyBytes: %d,\nInternalCode: %q,", over.MaxBodyBytes, over.InternalCode)
	if over.MissingCode != "" {
		s.p("MissingCode: %q,", over.MissingCode)
	}
	if over.InvalidCode != "" {
		s.p("InvalidCode: %q,", over.InvalidCode)
	}
}

func (m *model) writeOperation(s *source, o *operation) {
	parts := []string{fmt.Sprintf("Name: %q", o.Name)}
	add := func(form string, args ...any) { parts = append(parts, fmt.Sprintf(form, args...)) }
	in := m.shapes[o.Input.Shape]
	if m.metadata.Protocol == "rest-json" {
		status := o.HTTP.ResponseCode
		if status == 0 {
			status = 200
		}
		add("Method: %q", o.HTTP.Method)
		add("Path: %q", o.HTTP.RequestURI)
		add("Status: %d", status)
		switch {
		case in.Payload != "":
			add("RawBody: true")
		case len(in.inBody()) == 0:
			add("NoBody: true")
		}
		if o.Output != nil && o.events == nil && m.shapes[o.Output.Shape].Payload != "" {
			add("PayloadType: %q", m.over.PayloadType)
		}
	}
	if l, ok := m.over.Limits[o.Name]; ok {
		add("MaxBodyBytes: %d", l.MaxBodyBytes)
		if l.Name != "" {
			add("LimitName: %q", l.Name)
		}
	}
	if m.over.Query != nil {
		add("Query: &form%s", exported(o.Input.Shape))
	}
	switch {
	case o.Output == nil:
		add("Handler: protocol.HandleSilent(ops.%s)", o.Name)
	case o.events != nil:
		if exceptions := o.exceptions(); exceptions != "" {
			add("%s", exceptions)
		}
		add("Handler: protocol.HandleEvents(ops.%s)", o.Name)
	default:
		add("Handler: protocol.Handle(ops.%s)", o.Name)
	}
	s.p("{%s},", strings.Join(parts, ", "))
}
