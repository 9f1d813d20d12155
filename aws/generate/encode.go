package main

import (
	"fmt"
	"strings"
)

func writeEncode(m *model, s *source) error {
	tops := map[string]bool{}
	for _, o := range m.operations {
		if o.Output != nil {
			tops[o.Output.Shape] = true
		}
	}
	for _, sh := range m.reached("structure", m.outputs) {
		if err := m.writeEncodeBody(s, sh); err != nil {
			return err
		}
		if sh.Event {
			writeEventType(s, sh)
		}
		if m.over.Query != nil {
			if err := m.writeAppendXML(s, sh); err != nil {
				return err
			}
		}
		if tops[sh.name] && m.metadata.Protocol == "rest-json" {
			if err := m.writeEncodeHTTP(s, sh); err != nil {
				return err
			}
		}
	}
	return nil
}

// guarded writes a statement that runs when the member is there. Required members are always written, except
// structures, of which there may be none to write.
func guarded(s *source, x *member, statement string) {
	if x.required && x.shape.Type != "structure" {
		s.p("\t%s", statement)
		return
	}
	s.p("\tif v.%s != nil {\n\t\t%s\n\t}", exported(x.name), statement)
}

// held is the expression of the member's value.
func held(x *member) string {
	if x.shape.scalar() && !x.required {
		return "*v." + exported(x.name)
	}
	return "v." + exported(x.name)
}

func (m *model) writeEncodeBody(s *source, sh *shape) error {
	s.p("// Encode writes the structure.")
	s.p("func (v *%s) Encode(w wire.Writer) {\n\tw.OpenStruct()", exported(sh.name))
	for _, x := range sh.inBody() {
		call, err := m.writeCall(x)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", sh.name, x.name, err)
		}
		guarded(s, x, fmt.Sprintf("w.Name(%q)\n%s", x.wireName(), call))
	}
	s.p("\tw.CloseStruct()\n}\n")
	return nil
}

func (m *model) writeCall(x *member) (string, error) {
	value := held(x)
	if t, ok := scalars[x.shape.Type]; ok {
		return fmt.Sprintf("w.%s(%s)", t.name, value), nil
	}
	switch x.shape.Type {
	case "structure":
		return fmt.Sprintf("%s.Encode(w)", value), nil
	case "list":
		return m.writeEach("WriteList", "WriteStructs", value, x.shape.Member.Shape)
	case "map":
		inner := m.shapes[x.shape.Value.Shape]
		if inner.Type == "list" {
			if m.shapes[inner.Member.Shape].Type != "string" {
				return "", fmt.Errorf("map of lists of %s is not supported", inner.Member.Shape)
			}
			return fmt.Sprintf("wire.WriteMap(w, %s, wire.WriteStrings)", value), nil
		}
		return m.writeEach("WriteMap", "WriteStructMap", value, inner.name)
	}
	return "", fmt.Errorf("type %s is not supported", x.shape.Type)
}

func (m *model) writeEach(ofScalars, ofStructs, value, element string) (string, error) {
	inner := m.shapes[element]
	if t, ok := scalars[inner.Type]; ok {
		return fmt.Sprintf("wire.%s(w, %s, wire.Writer.%s)", ofScalars, value, t.name), nil
	}
	if inner.Type == "structure" {
		return fmt.Sprintf("wire.%s(w, %s, (*%s).Encode)", ofStructs, value, exported(element)), nil
	}
	return "", fmt.Errorf("elements of type %s are not supported", inner.Type)
}

func (m *model) writeAppendXML(s *source, sh *shape) error {
	s.p("// AppendXML appends the members as elements.")
	s.p("func (v *%s) AppendXML(b []byte) []byte {", exported(sh.name))
	for _, x := range sh.members {
		call, err := m.elementCall(x)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", sh.name, x.name, err)
		}
		guarded(s, x, call)
	}
	s.p("\treturn b\n}\n")
	return nil
}

func (m *model) elementCall(x *member) (string, error) {
	name, value := x.formName(), held(x)
	if t, ok := scalars[x.shape.Type]; ok {
		return fmt.Sprintf("b = query.Append%s(b, %q, %s)", t.name, name, value), nil
	}
	if x.shape.Type == "structure" {
		return fmt.Sprintf("b = query.AppendStruct(b, %q, %s, (*%s).AppendXML)", name, value, exported(x.Shape)), nil
	}
	if flat := x.Flattened || x.shape.Flattened; flat {
		return m.elementsCall(x, name)
	}
	between := "entry"
	if x.shape.Type == "list" {
		between = "member"
	}
	call, err := m.elementsCall(x, between)
	return fmt.Sprintf("b = query.Open(b, %q)\n%s\nb = query.Shut(b, %q)", name, call, name), err
}

// elementsCall writes the elements of a list or the entries of a map under the name given.
func (m *model) elementsCall(x *member, name string) (string, error) {
	value, inner := held(x), m.innerElement(x.shape)
	call, args := "Append", fmt.Sprintf("b, %q, %s", name, value)
	if x.shape.Type == "map" {
		args = fmt.Sprintf("b, %q, %q, %q, %s", name, x.shape.keyName(), x.shape.valueName(), value)
	}
	last := ""
	t, ok := scalars[inner.Type]
	switch {
	case ok && x.shape.Type == "list":
		call, last = "AppendScalars", "query.Append"+t.name
	case ok:
		call, last = "AppendMap", "query.Append"+t.name
	case inner.Type == "structure" && x.shape.Type == "list":
		call, last = "AppendStructs", "(*"+exported(inner.name)+").AppendXML"
	case inner.Type == "structure":
		call, last = "AppendStructMap", "(*"+exported(inner.name)+").AppendXML"
	default:
		return "", fmt.Errorf("elements of type %s are not supported", inner.Type)
	}
	return fmt.Sprintf("b = query.%s(%s, %s)", call, args, last), nil
}

// writeEncodeHTTP writes how the members that are not in the document are written.
func (m *model) writeEncodeHTTP(s *source, sh *shape) error {
	var headers strings.Builder
	status := ""
	for _, x := range sh.members {
		switch {
		case !x.bound():
		case x.Location == "statusCode" && x.shape.Type == "integer" && !x.required:
			status = "v." + exported(x.name)
		case x.Location == "header" && x.shape.Type == "string" && !x.required:
			fmt.Fprintf(&headers, "\tif v.%s != nil {\n\t\th.Set(%q, *v.%s)\n\t}\n", exported(x.name), x.LocationName, exported(x.name))
		default:
			return fmt.Errorf("%s.%s: location %s of type %s is not supported", sh.name, x.name, x.Location, x.shape.Type)
		}
	}
	if headers.Len() > 0 || status != "" {
		s.p("// EncodeHTTP writes the members that are headers, and returns the status if the output has one, or 0.")
		s.p("func (v *%s) EncodeHTTP(h http.Header) int {\n%s", exported(sh.name), headers.String())
		if status != "" {
			s.p("\tif %s != nil {\n\t\treturn *%s\n\t}", status, status)
		}
		s.p("\treturn 0\n}\n")
	}
	if sh.Payload != "" {
		s.p("// RawBody is the body as it stands.")
		s.p("func (v *%s) RawBody() []byte { return v.%s }\n", exported(sh.name), exported(sh.Payload))
	}
	return nil
}
