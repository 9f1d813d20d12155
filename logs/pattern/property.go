package pattern

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// step leads from a value of a document into it: to a member, to an element, or to all of these.
type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind int

const (
	member stepKind = iota
	element
	every
)

// selector leads from a document to the values that are meant.
type selector []step

// parseProperties reads what stands in braces.
func parseProperties(text string) (func(message []byte) bool, error) {
	s := &scanner{rest: text}
	holds, err := either(s, 0, s.property)
	if s.space(); err == nil && s.rest != "" {
		err = errInvalid
	}
	if err != nil {
		return nil, err
	}
	return func(message []byte) bool {
		message = bytes.TrimSpace(message)
		if len(message) == 0 || message[0] != '{' && message[0] != '[' {
			return false
		}
		d := json.NewDecoder(bytes.NewReader(message))
		d.UseNumber()
		var document any
		return d.Decode(&document) == nil && holds(document)
	}, nil
}

// property takes a selector and what is asked of it.
func (s *scanner) property() (condition[any], error) {
	path, err := s.selector()
	if err != nil {
		return nil, err
	}
	switch {
	case s.word("NOT"):
		if !s.word("EXISTS") {
			return nil, errInvalid
		}
		return func(document any) bool { return !path.any(document, func(any) bool { return true }) }, nil
	case s.word("EXISTS"):
		return func(document any) bool { return path.any(document, func(any) bool { return true }) }, nil
	case s.word("IS"):
		for word, want := range map[string]any{"NULL": nil, "TRUE": true, "FALSE": false} {
			if s.word(word) {
				return func(document any) bool { return path.any(document, func(v any) bool { return v == want }) }, nil
			}
		}
		return nil, errInvalid
	}
	c, err := s.comparison("()&|")
	if err != nil {
		return nil, err
	}
	return func(document any) bool { return path.any(document, c.holds) }, nil
}

// selector takes a path that begins with a dollar sign.
func (s *scanner) selector() (selector, error) {
	if !s.accept("$") {
		return nil, errInvalid
	}
	var path selector
	for {
		switch {
		case strings.HasPrefix(s.rest, ".["):
			s.rest = s.rest[1:]
		case strings.HasPrefix(s.rest, "."):
			s.rest = s.rest[1:]
			name := s.while(nameByte)
			if name == "" {
				return nil, errInvalid
			}
			path = append(path, step{name: name})
		case strings.HasPrefix(s.rest, "["):
			next, err := s.index()
			if err != nil {
				return nil, err
			}
			path = append(path, next)
		case len(path) == 0:
			return nil, errInvalid
		default:
			return path, nil
		}
	}
}

// index takes what stands in brackets behind a path: a number, an asterisk, or a name in quotes.
func (s *scanner) index() (step, error) {
	s.rest = s.rest[1:]
	next := step{kind: every}
	switch ok := true; {
	case s.accept("*"):
	case strings.HasPrefix(s.rest, "'"):
		next.kind = member
		if next.name, ok = s.delimited('\''); !ok {
			return next, errInvalid
		}
	case strings.HasPrefix(s.rest, `"`):
		next.kind = member
		if next.name, ok = s.quoted(); !ok {
			return next, errInvalid
		}
	default:
		next.kind = element
		var err error
		if next.index, err = strconv.Atoi(s.while(func(c byte) bool { return c >= '0' && c <= '9' })); err != nil {
			return next, errInvalid
		}
	}
	if !s.accept("]") {
		return next, errInvalid
	}
	return next, nil
}

// any reports whether something is so of one of the values that the path leads to.
func (path selector) any(value any, is func(v any) bool) bool {
	if len(path) == 0 {
		return is(value)
	}
	next, rest := path[0], path[1:]
	switch next.kind {
	case member:
		object, _ := value.(map[string]any)
		inner, ok := object[next.name]
		return ok && rest.any(inner, is)
	case element:
		list, _ := value.([]any)
		return next.index < len(list) && rest.any(list[next.index], is)
	}
	list, _ := value.([]any)
	for _, inner := range list {
		if rest.any(inner, is) {
			return true
		}
	}
	return false
}

// holds reports whether the comparison holds for a value of a document. It does for no object, list or null.
func (c comparison) holds(v any) bool {
	switch v := v.(type) {
	case string:
		return c.holdsText(v)
	case json.Number:
		n, err := v.Float64()
		return err == nil && c.holdsNumber(n, v.String())
	case bool:
		return c.holdsText(strconv.FormatBool(v))
	}
	return false
}
