package expression

import (
	"fmt"
	"strings"
	"unicode"
)

// token is a word of an expression: a number, a name, a text in quotes (with the first quote), or a sign.
type token struct {
	kind tokenKind
	text string
}

type tokenKind int

const (
	end tokenKind = iota
	number
	name
	text
	sign
)

// split cuts an expression into words; the last one is the end.
func split(s string) ([]token, error) {
	var tokens []token
	for len(s) > 0 {
		n, kind := 1, sign
		switch c := rune(s[0]); {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			s = s[1:]
			continue
		case unicode.IsDigit(c) || c == '.':
			n, kind = numberLength(s), number
		case c == '_' || c < unicode.MaxASCII && unicode.IsLetter(c):
			n, kind = spanOf(s, isNamePart), name
		case c == '"' || c == '\'':
			n, kind = 1+strings.IndexByte(s[1:], s[0])+1, text
			if n == 1 {
				return nil, fmt.Errorf("the text %s has no end: %w", s, ErrSyntax)
			}
		case !strings.ContainsRune("+-*/(),[]", c):
			return nil, fmt.Errorf("%q is not offered: %w", s[:1], ErrSyntax)
		}
		tokens = append(tokens, token{kind, s[:n]})
		s = s[n:]
	}
	return append(tokens, token{}), nil
}

func isNamePart(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' || c == '.' }

func spanOf(s string, part func(byte) bool) int {
	n := 0
	for n < len(s) && part(s[n]) {
		n++
	}
	return n
}

// numberLength is the length of the number that s begins with, such as 1.5 or 2e-3.
func numberLength(s string) int {
	n := spanOf(s, isDigit)
	if n == len(s) || s[n] != 'e' && s[n] != 'E' {
		return n
	}
	m := n + 1
	if m < len(s) && (s[m] == '+' || s[m] == '-') {
		m++
	}
	if digits := spanOf(s[m:], isDigit); digits > 0 {
		return m + digits
	}
	return n
}
