package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
)

// parser reads the operand of a comparison.
type parser func(path string, operand any) (test, error)

// operatorOf returns the parser of a comparison that is written as an object of one member, nil when there is none of
// this name.
func operatorOf(name string) parser {
	switch name {
	case "prefix":
		return affixes(false)
	case "suffix":
		return affixes(true)
	case "equals-ignore-case":
		return parseFold
	case "wildcard":
		return parseWildcard
	case "cidr":
		return parseCIDR
	case "numeric":
		return parseNumeric
	case "anything-but":
		return parseAnythingBut
	case "exists":
		return parseExists
	}
	return nil
}

// isOperator reports whether an object's only member is the name of a comparison.
func isOperator(object map[string]any) bool {
	for name := range object {
		return operatorOf(name) != nil
	}
	return false
}

// parseLeaf reads the comparisons beside a key.
func parseLeaf(path string, elements []any) (*leaf, error) {
	if len(elements) == 0 {
		return nil, &PatternError{path, "an empty array matches nothing"}
	}
	l := &leaf{text: textOf(elements)}
	for _, element := range elements {
		t, err := parseTest(path, element)
		if err != nil {
			return nil, err
		}
		if _, absent := t.(missing); absent {
			l.absent = true
			continue
		}
		l.tests = append(l.tests, t)
		l.texts = append(l.texts, textOf(element))
	}
	return l, nil
}

func parseTest(path string, element any) (test, error) {
	switch element := element.(type) {
	case []any:
		return nil, &PatternError{path, "an array of comparisons holds no further array"}
	case map[string]any:
		if len(element) != 1 {
			return nil, &PatternError{path, fmt.Sprintf("a comparison is an object with one operator, not %d", len(element))}
		}
		for name, operand := range element {
			if parse := operatorOf(name); parse != nil {
				return parse(path, operand)
			}
			return nil, &PatternError{path, fmt.Sprintf("there is no operator %q", name)}
		}
	}
	return literalOf(element), nil
}

// literalOf returns the test for equality with a decoded scalar.
func literalOf(value any) literal {
	switch value := value.(type) {
	case string:
		return literal{kindString, []byte(value)}
	case json.Number:
		return literal{kindNumber, []byte(value)}
	case bool:
		if value {
			return literal{kindWord, []byte("true")}
		}
		return literal{kindWord, []byte("false")}
	}
	return literal{kindWord, []byte("null")}
}

func stringOperand(path, operator string, operand any) (string, error) {
	if s, ok := operand.(string); ok {
		return s, nil
	}
	return "", &PatternError{path, fmt.Sprintf("%s wants a string, not %s", operator, kindOf(operand))}
}

// affixes reads prefix or suffix: a string, or {"equals-ignore-case": a string}.
func affixes(atEnd bool) parser {
	name := "prefix"
	if atEnd {
		name = "suffix"
	}
	return func(path string, operand any) (test, error) {
		object, ok := operand.(map[string]any)
		if !ok {
			s, err := stringOperand(path, name, operand)
			return affix{text: []byte(s), atEnd: atEnd}, err
		}
		inner, ok := object["equals-ignore-case"]
		if !ok || len(object) != 1 {
			return nil, &PatternError{path, name + " wants a string, or an object with equals-ignore-case alone"}
		}
		s, err := stringOperand(path, name+" with equals-ignore-case", inner)
		return affix{text: []byte(s), atEnd: atEnd, fold: true}, err
	}
}

func parseFold(path string, operand any) (test, error) {
	s, err := stringOperand(path, "equals-ignore-case", operand)
	return fold{[]byte(s)}, err
}

func parseWildcard(path string, operand any) (test, error) {
	s, err := stringOperand(path, "wildcard", operand)
	if err != nil {
		return nil, err
	}
	w, reason := newWildcard(s)
	if reason != "" {
		return nil, &PatternError{path, fmt.Sprintf("wildcard %q: %s", s, reason)}
	}
	return w, nil
}

func parseCIDR(path string, operand any) (test, error) {
	s, err := stringOperand(path, "cidr", operand)
	if err != nil {
		return nil, err
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, &PatternError{path, fmt.Sprintf("cidr: %q is no block of addresses such as 10.0.0.0/24", s)}
	}
	return cidr{prefix.Masked()}, nil
}

// parseExists reads {"exists": true}, which any leaf matches, and {"exists": false}.
func parseExists(path string, operand any) (test, error) {
	present, ok := operand.(bool)
	switch {
	case !ok:
		return nil, &PatternError{path, "exists wants true or false, not " + kindOf(operand)}
	case present:
		return anything{}, nil
	}
	return missing{}, nil
}

// parseAnythingBut reads a string or number, an array of only strings or only numbers, or one of the operators on
// strings with one or several operands.
func parseAnythingBut(path string, operand any) (test, error) {
	if object, ok := operand.(map[string]any); ok {
		return parseAnythingButOperator(path, object)
	}
	operands := listOf(operand)
	if len(operands) == 0 {
		return nil, &PatternError{path, "anything-but wants something that is not to match"}
	}
	var b but
	for _, value := range operands {
		t := literalOf(value)
		if _, container := value.(map[string]any); container || t.kind == kindWord {
			return nil, &PatternError{path, "anything-but wants strings or numbers, not " + kindOf(value)}
		}
		if t.kind != literalOf(operands[0]).kind {
			return nil, &PatternError{path, "anything-but wants only strings or only numbers"}
		}
		b.tests = append(b.tests, t)
	}
	return b, nil
}

var butOperators = []string{"prefix", "suffix", "equals-ignore-case", "wildcard"}

func parseAnythingButOperator(path string, object map[string]any) (test, error) {
	if len(object) != 1 {
		return nil, &PatternError{path, fmt.Sprintf("anything-but wants one operator, not %d", len(object))}
	}
	var b but
	for name, operand := range object {
		if !slices.Contains(butOperators, name) {
			return nil, &PatternError{path, fmt.Sprintf("anything-but cannot be used with %q", name)}
		}
		operands := listOf(operand)
		if len(operands) == 0 {
			return nil, &PatternError{path, "anything-but with " + name + " wants something that is not to match"}
		}
		for _, value := range operands {
			s, err := stringOperand(path, "anything-but with "+name, value)
			if err != nil {
				return nil, err
			}
			if s == "" && (name == "prefix" || name == "suffix") {
				return nil, &PatternError{path, "anything-but with an empty " + name + " would match no string"}
			}
			t, err := operatorOf(name)(path, value)
			if err != nil {
				return nil, err
			}
			b.tests = append(b.tests, t)
		}
	}
	return b, nil
}

// listOf returns the elements of an array, and a value that is none as the only one.
func listOf(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// textOf writes a decoded value as JSON.
func textOf(value any) string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil { // what was decoded can be encoded
		return ""
	}
	return string(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}
