package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/aws/protocol/constraint"
)

func writeValidate(m *model, s *source) error {
	for _, name := range m.order {
		if !m.inputs[name] || !m.ruled(m.shapes[name]) {
			continue
		}
		rule, err := m.rule(m.shapes[name])
		if err != nil {
			return fmt.Errorf("shape %s: %w", name, err)
		}
		s.p("var rule%s = %s\n", exported(name), rule)
	}
	tops := map[string]bool{}
	for _, o := range m.operations {
		tops[o.Input.Shape] = true
	}
	for _, sh := range m.reached("structure", m.inputs) {
		if tops[sh.name] || m.judged(sh, map[string]bool{}) {
			m.writeJudge(s, sh)
		}
	}
	return nil
}

// enum is the values that the common grammar allows.
func (m *model) enum(s *shape) []string {
	if slices.Contains(m.over.NoEnum, s.name) {
		return nil
	}
	return s.Enum
}

// ruled reports whether the shape has a rule of its own.
func (m *model) ruled(s *shape) bool {
	bounded := s.Min != nil || s.Max != nil
	switch s.Type {
	case "string":
		return bounded || s.Pattern != "" || m.enum(s) != nil
	case "blob", "integer", "long", "double", "float":
		return bounded
	case "list":
		return bounded || m.ruledText(s.Member)
	case "map":
		value := m.shapes[s.Value.Shape]
		return bounded || m.ruledText(s.Key) || m.ruledText(s.Value) || value.Type == "list" && m.ruled(value)
	}
	return false
}

func (m *model) ruledText(r *ref) bool {
	s := m.shapes[r.Shape]
	return s.Type == "string" && m.ruled(s)
}

// judged reports whether the structure, or one within it, has anything to judge.
func (m *model) judged(s *shape, seen map[string]bool) bool {
	if seen[s.name] {
		return false
	}
	seen[s.name] = true
	for _, x := range s.members {
		if x.required || m.ruled(x.shape) {
			return true
		}
		inner := m.innerStruct(x.shape)
		if inner != nil && m.judged(inner, seen) {
			return true
		}
	}
	return false
}

// innerStruct is the structure that the shape is, or holds as elements, if any.
func (m *model) innerStruct(s *shape) *shape {
	switch s.Type {
	case "list":
		s = m.shapes[s.Member.Shape]
	case "map":
		s = m.shapes[s.Value.Shape]
	}
	if s.Type == "structure" {
		return s
	}
	return nil
}

func length(s *shape) string {
	bound := func(n *json.Number) string {
		if n == nil {
			return "-1"
		}
		return n.String()
	}
	return fmt.Sprintf("constraint.Length{Low: %s, High: %s}", bound(s.Min), bound(s.Max))
}

// rule is the Go expression of the shape's rule.
func (m *model) rule(s *shape) (string, error) {
	mark := ""
	if s.Sensitive {
		mark = ", Sensitive: true"
	}
	switch s.Type {
	case "string":
		return m.textRule(s)
	case "blob":
		return "constraint.Blob{Length: " + length(s) + mark + "}", nil
	case "integer", "long":
		return fmt.Sprintf("constraint.Integer{Low: %s, High: %s%s}", or(s.Min, "math.MinInt64"), or(s.Max, "math.MaxInt64"), mark), nil
	case "double", "float":
		return fmt.Sprintf("constraint.Double{Low: %s, High: %s}", or(s.Min, "-math.MaxFloat64"), or(s.Max, "math.MaxFloat64")), nil
	case "list":
		return m.listRule(s, mark), nil
	case "map":
		return m.mapRule(s, mark), nil
	}
	return "", fmt.Errorf("no rule for type %s", s.Type)
}

func or(n *json.Number, other string) string {
	if n == nil {
		return other
	}
	return n.String()
}

func (m *model) textRule(s *shape) (string, error) {
	parts := []string{"Length: " + length(s)}
	if s.Pattern != "" {
		if !constraint.Supported(s.Pattern) {
			return "", fmt.Errorf("pattern %s does not compile and has no predicate in the package constraint", s.Pattern)
		}
		parts = append(parts, fmt.Sprintf("Pattern: constraint.NewPattern(%s)", quote(s.Pattern)))
	}
	if enum := m.enum(s); enum != nil {
		quoted := make([]string, len(enum))
		for i, v := range enum {
			quoted[i] = quote(v)
		}
		parts = append(parts, "Enum: []string{"+strings.Join(quoted, ", ")+"}")
	}
	if s.Sensitive {
		parts = append(parts, "Sensitive: true")
	}
	return "constraint.Text{" + strings.Join(parts, ", ") + "}", nil
}

func quote(s string) string {
	if strings.ContainsAny(s, "`\n") || !strings.Contains(s, `\`) {
		return fmt.Sprintf("%q", s)
	}
	return "`" + s + "`"
}

func (m *model) listRule(s *shape, mark string) string {
	inner := m.shapes[s.Member.Shape]
	if inner.Type != "string" {
		return fmt.Sprintf("constraint.Count{Length: %s, Class: %q%s}", length(s), m.over.JavaPackage+"."+inner.name, mark)
	}
	member := ""
	if m.ruled(inner) {
		member = ", Member: &rule" + exported(inner.name)
	}
	return "constraint.Texts{Length: " + length(s) + member + m.notNull() + mark + "}"
}

func (m *model) notNull() string {
	if m.over.MembersNotNull {
		return ", NotNull: true"
	}
	return ""
}

func (m *model) mapRule(s *shape, mark string) string {
	key, value := m.shapes[s.Key.Shape], m.shapes[s.Value.Shape]
	parts := ""
	if m.ruled(key) {
		parts += ", Key: &rule" + exported(key.name)
	}
	switch {
	case value.Type == "list":
		parts += ", Value: &rule" + exported(value.name)
		return "constraint.TextListMap{Length: " + length(s) + parts + m.notNull() + mark + "}"
	case value.Type == "double":
		parts += ", Value: &rule" + exported(value.name)
		return "constraint.DoubleMap{Length: " + length(s) + parts + m.notNull() + "}"
	case value.Type != "string":
		return fmt.Sprintf("constraint.Count{Length: %s, Class: %q%s}", length(s), m.over.JavaPackage+"."+value.name, mark)
	case m.ruled(value):
		parts += ", Value: &rule" + exported(value.name)
	}
	return "constraint.TextMap{Length: " + length(s) + parts + m.notNull() + mark + "}"
}

func (m *model) writeJudge(s *source, sh *shape) {
	s.p("// Validate judges the members in the model's order.")
	s.p("func (v *%s) Validate(c *constraint.Checks) {", exported(sh.name))
	for _, x := range sh.members {
		m.writeJudgeMember(s, sh, x)
	}
	s.p("}\n")
}

func (m *model) writeJudgeMember(s *source, sh *shape, x *member) {
	field, path := "v."+exported(x.name), lowered(x.name)
	var body source
	m.writeChecks(&body, x, field, path)
	checks := strings.TrimRight(body.body.String(), "\n")
	there := field + " != nil"
	if bit := m.bit(sh, x); bit >= 0 {
		there = fmt.Sprintf("v.missing&%#x == 0", uint64(1)<<bit)
	}
	switch {
	case x.required && checks == "":
		s.p("\tif !(%s) {\n\t\tc.Null(%q)\n\t}", there, path)
	case x.required:
		s.p("\tif %s {\n%s\n\t} else {\n\t\tc.Null(%q)\n\t}", there, checks, path)
	case checks != "":
		s.p("\tif %s {\n%s\n\t}", there, checks)
	}
}

// writeChecks writes what is judged of a member that is there.
func (m *model) writeChecks(s *source, x *member, field, path string) {
	if m.ruled(x.shape) {
		value := field
		if x.shape.scalar() && !x.required {
			value = "*" + field
		}
		switch x.shape.Type {
		case "integer":
			value = "int64(" + value + ")"
		case "list", "map":
			if inner := m.innerElement(x.shape); inner.Type != "string" && inner.Type != "list" && inner.Type != "double" {
				value = "len(" + value + ")"
			}
		}
		s.p("\t\trule%s.Check(c, %q, %s)", exported(x.Shape), path, value)
	}
	inner := m.innerStruct(x.shape)
	if inner == nil || !m.judged(inner, map[string]bool{}) {
		return
	}
	switch x.shape.Type {
	case "structure":
		s.p("\t\tc.Enter(%q)\n\t\t%s.Validate(c)\n\t\tc.Leave()", path, field)
	case "list":
		s.p("\t\tfor i := range %s {\n\t\t\tc.EnterElement(%q, i)\n\t\t\t%s[i].Validate(c)\n\t\t\tc.Leave()\n\t\t}", field, path, field)
	case "map":
		s.p("\t\tfor _, key := range constraint.Keys(%s) {\n\t\t\telement := %s[key]\n\t\t\tc.EnterValue(%q, key)\n\t\t\telement.Validate(c)\n\t\t\tc.Leave()\n\t\t}", field, field, path)
	}
}

func (m *model) innerElement(s *shape) *shape {
	if s.Type == "list" {
		return m.shapes[s.Member.Shape]
	}
	return m.shapes[s.Value.Shape]
}
