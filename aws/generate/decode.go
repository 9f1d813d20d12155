package main

import "fmt"

// bound reports whether the member is outside of a request's or answer's body.
func (x *member) bound() bool { return x.Location != "" }

// inBody lists the members of the structure that are members of the document.
func (s *shape) inBody() (list []*member) {
	for _, x := range s.members {
		if !x.bound() && s.Payload != x.name {
			list = append(list, x)
		}
	}
	return list
}

// mask is the missing bits of the members.
func (m *model) mask(s *shape, members []*member) (mask uint64) {
	for _, x := range members {
		if bit := m.bit(s, x); bit >= 0 {
			mask |= 1 << bit
		}
	}
	return mask
}

func writeDecode(m *model, s *source) error {
	tops := map[string]bool{}
	for _, o := range m.operations {
		tops[o.Input.Shape] = true
	}
	for _, sh := range m.reached("structure", m.inputs) {
		if err := m.writeDecodeBody(s, sh); err != nil {
			return err
		}
		if tops[sh.name] && m.metadata.Protocol == "rest-json" {
			if err := m.writeDecodeHTTP(s, sh); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *model) writeDecodeBody(s *source, sh *shape) error {
	s.p("// Decode reads the structure from a document.")
	s.p("func (v *%s) Decode(r wire.Reader) {", exported(sh.name))
	if mask := m.mask(sh, sh.inBody()); mask != 0 {
		s.p("\tv.missing |= %#x", mask)
	}
	s.p("\tif !r.Struct() {\n\t\treturn\n\t}")
	if len(sh.inBody()) == 0 {
		s.p("\tfor _, ok := r.Member(); ok; _, ok = r.Member() {\n\t\tr.Skip()\n\t}\n}\n")
		return nil
	}
	s.p("\tfor name, ok := r.Member(); ok; name, ok = r.Member() {\n\t\tswitch string(name) {")
	for _, x := range sh.inBody() {
		call, err := m.readCall(sh, x)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", sh.name, x.name, err)
		}
		s.p("\t\tcase %q:\n\t\t\t%s", x.wireName(), call)
	}
	s.p("\t\tdefault:\n\t\t\tr.Skip()\n\t\t}\n\t}\n}\n")
	return nil
}

// wireName is the name of the member in documents.
func (x *member) wireName() string {
	if x.LocationName != "" && !x.bound() {
		return x.LocationName
	}
	return x.name
}

// readCall is the call that reads a member from a document.
func (m *model) readCall(sh *shape, x *member) (string, error) {
	field := "&v." + exported(x.name)
	if t, ok := scalars[x.shape.Type]; ok {
		read := "wire.Reader." + t.name
		switch bit := m.bit(sh, x); {
		case x.shape.Type == "blob":
			return fmt.Sprintf("wire.ReadBlob(r, %s)", field), nil
		case bit >= 0:
			return fmt.Sprintf("wire.ReadRequired(r, %s, &v.missing, %#x, %s)", field, uint64(1)<<bit, read), nil
		default:
			return fmt.Sprintf("wire.ReadOptional(r, %s, %s)", field, read), nil
		}
	}
	switch x.shape.Type {
	case "structure":
		return fmt.Sprintf("wire.ReadStruct(r, %s, (*%s).Decode)", field, exported(x.Shape)), nil
	case "list":
		return m.readEach("ReadScalars", "ReadStructs", field, x.shape.Member)
	case "map":
		value := m.shapes[x.shape.Value.Shape]
		if value.Type == "list" {
			return m.readEach("ReadListMap", "", field, value.Member)
		}
		return m.readEach("ReadScalarMap", "ReadStructMap", field, x.shape.Value)
	}
	return "", fmt.Errorf("type %s is not supported", x.shape.Type)
}

func (m *model) readEach(ofScalars, ofStructs, field string, element *ref) (string, error) {
	inner := m.shapes[element.Shape]
	if t, ok := scalars[inner.Type]; ok {
		return fmt.Sprintf("wire.%s(r, %s, wire.Reader.%s)", ofScalars, field, t.name), nil
	}
	if inner.Type == "structure" && ofStructs != "" {
		return fmt.Sprintf("wire.%s(r, %s, (*%s).Decode)", ofStructs, field, exported(inner.name)), nil
	}
	return "", fmt.Errorf("elements of type %s are not supported", inner.Type)
}

// writeDecodeHTTP writes how the members that are not in the document are read.
func (m *model) writeDecodeHTTP(s *source, sh *shape) error {
	var bound []*member
	for _, x := range sh.members {
		if x.bound() {
			bound = append(bound, x)
		}
	}
	if len(bound) > 0 {
		s.p("// DecodeHTTP reads the members that are in the path, the query string and the headers.")
		s.p("func (v *%s) DecodeHTTP(b *protocol.Binding) {", exported(sh.name))
		if mask := m.mask(sh, bound); mask != 0 {
			s.p("\tv.missing |= %#x", mask)
		}
		for _, x := range bound {
			if err := m.writeBound(s, sh, x); err != nil {
				return fmt.Errorf("%s.%s: %w", sh.name, x.name, err)
			}
		}
		s.p("}\n")
	}
	if sh.Payload == "" {
		return nil
	}
	for _, x := range sh.members {
		if x.name == sh.Payload && x.shape.Type != "blob" {
			return fmt.Errorf("%s: a payload that is not a blob is not supported", sh.name)
		}
	}
	s.p("// SetPayload takes the body as it stands.")
	s.p("func (v *%s) SetPayload(body []byte) {\n\tv.%s = body\n}\n", exported(sh.name), exported(sh.Payload))
	return nil
}

func (m *model) writeBound(s *source, sh *shape, x *member) error {
	field := "v." + exported(x.name)
	from, ok := map[string]string{"uri": "Label", "querystring": "Query", "header": "Header"}[x.Location]
	if !ok {
		return fmt.Errorf("location %s is not supported in inputs", x.Location)
	}
	if x.shape.Type == "list" && x.Location == "querystring" && m.shapes[x.shape.Member.Shape].Type == "string" {
		s.p("\t%s = b.QueryList(%q)", field, x.LocationName)
		return nil
	}
	t, ok := scalars[x.shape.Type]
	if !ok || x.shape.Type == "blob" || t.name == "Double" {
		return fmt.Errorf("type %s is not supported outside of the body", x.shape.Type)
	}
	s.p("\tif s, ok := b.%s(%q); ok {", from, x.LocationName)
	bit := m.bit(sh, x)
	switch {
	case x.shape.Type == "string" && bit >= 0:
		s.p("\t\t%s = s\n\t\tv.missing &^= %#x", field, uint64(1)<<bit)
	case x.shape.Type == "string":
		s.p("\t\t%s = &s", field)
	case bit >= 0:
		s.p("\t\tif p := b.%s(s); p != nil {\n\t\t\t%s = *p\n\t\t}\n\t\tv.missing &^= %#x", t.name, field, uint64(1)<<bit)
	default:
		s.p("\t\t%s = b.%s(s)", field, t.name)
	}
	s.p("\t}")
	return nil
}
