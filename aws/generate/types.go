package main

import (
	"fmt"
	"strings"
	"unicode"
)

// scalars are the scalar types of models: the Go type, and the name in the runtime's functions.
var scalars = map[string]struct{ goType, name string }{
	"string":    {"string", "String"},
	"integer":   {"int", "Int"},
	"long":      {"int64", "Long"},
	"double":    {"float64", "Double"},
	"float":     {"float64", "Double"},
	"boolean":   {"bool", "Bool"},
	"timestamp": {"time.Time", "Timestamp"},
	"blob":      {"[]byte", "Blob"},
}

// scalar reports whether the shape is held by a value that must be a pointer to be optional.
func (s *shape) scalar() bool {
	_, ok := scalars[s.Type]
	return ok && s.Type != "blob"
}

// goType is the type of a value of the shape.
func (m *model) goType(name string) (string, error) {
	s := m.shapes[name]
	if s == nil {
		return "", fmt.Errorf("no shape %s", name)
	}
	if t, ok := scalars[s.Type]; ok {
		return t.goType, nil
	}
	switch s.Type {
	case "structure":
		return exported(s.name), nil
	case "list":
		inner, err := m.goType(s.Member.Shape)
		return "[]" + inner, err
	case "map":
		if m.shapes[s.Key.Shape].Type != "string" {
			return "", fmt.Errorf("map %s has keys that are not strings", name)
		}
		inner, err := m.goType(s.Value.Shape)
		return "map[string]" + inner, err
	}
	return "", fmt.Errorf("shape %s has type %q: not supported", name, s.Type)
}

// fieldType is the type of the field for a member.
func (m *model) fieldType(x *member) (string, error) {
	t, err := m.goType(x.Shape)
	if err != nil {
		return "", err
	}
	if x.shape.Type == "structure" || x.shape.scalar() && !x.required {
		return "*" + t, nil
	}
	return t, nil
}

// missable lists the required members of which only a bit can say that they were absent, in order.
func (m *model) missable(s *shape) (list []*member) {
	if !m.inputs[s.name] {
		return nil
	}
	for _, x := range s.members {
		if x.required && x.shape.scalar() {
			list = append(list, x)
		}
	}
	return list
}

// bit is the bit of a member in the field missing, or -1.
func (m *model) bit(s *shape, x *member) int {
	for i, y := range m.missable(s) {
		if x == y {
			return i
		}
	}
	return -1
}

func exported(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

func lowered(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// constant makes a Go name out of an enum's value: AT_SEQUENCE_NUMBER becomes AtSequenceNumber.
func constant(value string) string {
	var b strings.Builder
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if w == strings.ToUpper(w) {
			w = strings.ToLower(w)
		}
		b.WriteString(exported(w))
	}
	return b.String()
}

func writeTypes(m *model, s *source) error {
	for _, sh := range m.reached("structure", m.inputs, m.outputs) {
		if err := m.writeType(s, sh); err != nil {
			return err
		}
	}
	for _, sh := range m.reached("string", m.inputs, m.outputs) {
		if err := writeEnum(s, sh); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) writeType(s *source, sh *shape) error {
	s.p("// %s is AWS's shape %s.", exported(sh.name), sh.name)
	s.p("type %s struct {", exported(sh.name))
	missable := m.missable(sh)
	if len(missable) > 64 {
		return fmt.Errorf("shape %s has more than 64 required scalars", sh.name)
	}
	if len(missable) > 0 {
		s.p("\t// missing has a bit for each required member that a request left out.")
		s.p("\tmissing uint64\n")
	}
	for _, x := range sh.members {
		t, err := m.fieldType(x)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", sh.name, x.name, err)
		}
		remark := ""
		if x.required {
			remark = " // required"
		}
		s.p("\t%s %s%s", exported(x.name), t, remark)
	}
	s.p("}\n")
	return nil
}

func writeEnum(s *source, sh *shape) error {
	if len(sh.Enum) == 0 {
		return nil
	}
	s.p("// The values of %s.\nconst (", sh.name)
	seen := map[string]bool{}
	for _, value := range sh.Enum {
		name := exported(sh.name) + constant(value)
		if seen[name] {
			return fmt.Errorf("enum %s has two values named %s", sh.name, name)
		}
		seen[name] = true
		s.p("\t%s = %q", name, value)
	}
	s.p(")\n")
	return nil
}
