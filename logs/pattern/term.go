package pattern

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
)

// term is a text to look for.
type term struct {
	text  []byte
	regex *regexp.Regexp // instead of the text
}

func (t term) in(message []byte) bool {
	if t.regex != nil {
		return t.regex.Match(message)
	}
	return bytes.Contains(message, t.text)
}

// terms are the terms of a pattern by what is asked of them.
type terms struct{ required, optional, excluded []term }

// parseTerms reads terms. Those with a question mark are alternatives when no others are there; beside others the mark
// means nothing.
func parseTerms(text string) (func(message []byte) bool, error) {
	var all terms
	s := scanner{rest: text}
	for s.space(); s.rest != ""; s.space() {
		list := &all.required
		switch s.rest[0] {
		case '?':
			list = &all.optional
		case '-':
			list = &all.excluded
		}
		if list != &all.required {
			s.rest = s.rest[1:]
		}
		t, err := s.term()
		if err != nil {
			return nil, err
		}
		*list = append(*list, t)
	}
	if len(all.required)+len(all.excluded) > 0 {
		all.required = append(all.required, all.optional...)
		all.optional = nil
	}
	return all.match, nil
}

func (all terms) match(message []byte) bool {
	for _, t := range all.excluded {
		if t.in(message) {
			return false
		}
	}
	for _, t := range all.required {
		if !t.in(message) {
			return false
		}
	}
	for _, t := range all.optional {
		if t.in(message) {
			return true
		}
	}
	return len(all.optional) == 0
}

// term takes one term. A bare one has letters and digits only.
func (s *scanner) term() (term, error) {
	start := s.rest
	whole := func() string { return start[:len(start)-len(s.rest)] }
	if s.rest != "" && s.rest[0] == '"' {
		text, ok := s.quoted()
		switch {
		case !ok:
			return term{}, errInvalid
		case text == "":
			return term{}, invalid("Invalid character(s) in term '%s'", whole())
		}
		return term{text: []byte(text)}, nil
	}
	if s.rest != "" && s.rest[0] == '%' {
		text, ok := s.delimited('%')
		if !ok {
			return term{}, errInvalid
		}
		regex, err := compile(text)
		return term{regex: regex}, err
	}
	text := s.while(func(c byte) bool { return c != ' ' && c != '\t' && c != '\r' && c != '\n' })
	if text == "" || strings.ContainsFunc(text, func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		return term{}, invalid("Invalid character(s) in term '%s'", text)
	}
	return term{text: []byte(text)}, nil
}
