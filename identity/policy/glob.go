package policy

import (
	"strings"
	"unicode/utf8"
)

// In a pattern whose variables have been replaced these stand for * and ?, so that those in the value of a variable are
// what they are.
const (
	anyText = '\x01'
	anyChar = '\x02'
)

// pattern replaces the wildcards, and the variables when there are any. ok is false when a variable has no value: then the
// pattern matches nothing.
func pattern(text string, variables bool, keys keyring) (_ string, ok bool) {
	if !strings.ContainsAny(text, "*?$") {
		return text, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '*':
			b.WriteByte(anyText)
		case text[i] == '?':
			b.WriteByte(anyChar)
		case variables && strings.HasPrefix(text[i:], "${"):
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return "", false
			}
			value, ok := variable(text[i+2:i+end], keys)
			if !ok {
				return "", false
			}
			b.WriteString(value)
			i += end
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), true
}

// variable is the value of what stands between ${ and }: a key, perhaps with a default in quotes, or a character that
// would mean something else.
func variable(name string, keys keyring) (string, bool) {
	switch name {
	case "*", "?", "$":
		return name, true
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	values := keys.get(strings.TrimSpace(name))
	if len(values) == 1 && !strings.ContainsAny(values[0], string([]rune{anyText, anyChar})) {
		return values[0], true
	}
	fallback = strings.TrimSpace(fallback)
	if hasFallback && len(values) == 0 && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
		return fallback[1 : len(fallback)-1], true
	}
	return "", false
}

// match reports whether the text matches a pattern whose wildcards have been replaced.
func match(p, text string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(text) {
		switch {
		case i < len(p) && p[i] == anyText:
			star, mark = i, j
			i++
		case i < len(p) && p[i] == anyChar:
			_, size := utf8.DecodeRuneInString(text[j:])
			i, j = i+1, j+size
		case i < len(p) && p[i] == text[j]:
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == anyText {
		i++
	}
	return i == len(p)
}

// matchARN compares names of resources segment by segment; the sixth is all the rest.
func matchARN(p, arn string) bool {
	if p == string(anyText) {
		return true
	}
	for range 5 {
		first, rest, ok := strings.Cut(p, ":")
		if !ok { // such as arn:aws:s3*, which spans what follows
			return strings.HasSuffix(p, string(anyText)) && match(p, arn)
		}
		own, others, ok := strings.Cut(arn, ":")
		if !ok || !match(first, own) {
			return false
		}
		p, arn = rest, others
	}
	return match(p, arn)
}
