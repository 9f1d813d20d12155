package main

import "fmt"

// formName is the name of the member in forms and XML.
func (x *member) formName() string {
	if x.QueryName != "" {
		return x.QueryName
	}
	return x.name
}

func (s *shape) keyName() string {
	if s.KeyName != "" {
		return s.KeyName
	}
	if s.Key.LocationName != "" {
		return s.Key.LocationName
	}
	return "key"
}

func (s *shape) valueName() string {
	if s.ValueName != "" {
		return s.ValueName
	}
	if s.Value.LocationName != "" {
		return s.Value.LocationName
	}
	return "value"
}

var formKinds = map[string]string{
	"string": "Text", "blob": "Text", "integer": "Number", "long": "Number", "double": "Number", "float": "Number",
	"boolean": "Boolean", "timestamp": "Time", "structure": "Structure", "list": "List", "map": "Map",
}

// writeQuery describes the inputs for the query protocol, one variable a shape.
func writeQuery(m *model, s *source) error {
	if m.over.Query == nil {
		return nil
	}
	for _, kind := range []string{"structure", "list", "map"} {
		for _, sh := range m.reached(kind, m.inputs) {
			if err := m.writeForm(s, sh); err != nil {
				return fmt.Errorf("shape %s: %w", sh.name, err)
			}
		}
	}
	return nil
}

func (m *model) writeForm(s *source, sh *shape) error {
	s.p("var form%s = query.Shape{", exported(sh.name))
	s.p("\tKind: query.%s,", formKinds[sh.Type])
	switch sh.Type {
	case "structure":
		s.p("\tMembers: []query.Member{")
		for _, x := range sh.members {
			inner, err := m.form(x.Shape)
			if err != nil {
				return err
			}
			flat := ""
			if x.Flattened {
				flat = ", Flat: true"
			}
			s.p("\t\t{JSON: %q, Name: %q, Shape: %s%s},", x.wireName(), x.formName(), inner, flat)
		}
		s.p("\t},")
	case "list":
		inner, err := m.form(sh.Member.Shape)
		if err != nil {
			return err
		}
		s.p("\tElement: %s,\n\tFlat: %t,", inner, sh.Flattened)
	case "map":
		inner, err := m.form(sh.Value.Shape)
		if err != nil {
			return err
		}
		s.p("\tElement: %s,\n\tFlat: %t,\n\tKey: %q,\n\tValue: %q,", inner, sh.Flattened, sh.keyName(), sh.valueName())
	}
	s.p("}\n")
	return nil
}

// form is the Go expression of a shape's description.
func (m *model) form(name string) (string, error) {
	sh := m.shapes[name]
	kind, ok := formKinds[sh.Type]
	if !ok {
		return "", fmt.Errorf("type %s is not supported in forms", sh.Type)
	}
	switch sh.Type {
	case "structure", "list", "map":
		return "&form" + exported(name), nil
	}
	return "&query.Shape{Kind: query." + kind + "}", nil
}
