package constraint

import (
	"regexp"
	"strings"
	"sync"
)

// Pattern is a regular expression of a model. It matches when the whole value does, as in Java.
type Pattern struct {
	source  string
	written func(string) bool
	once    sync.Once
	regexp  *regexp.Regexp
}

// NewPattern makes a pattern, which is compiled when it is first needed. The generator has made sure that each
// pattern either compiles or has a predicate written by hand; one that has neither matches nothing.
func NewPattern(source string) *Pattern {
	return &Pattern{source: source, written: written[source]}
}

// Match reports whether the whole value matches.
func (p *Pattern) Match(value string) bool {
	if p.written != nil {
		return p.written(value)
	}
	p.once.Do(func() { p.regexp, _ = Compile(p.source) })
	return p.regexp != nil && p.regexp.MatchString(value)
}

func (p *Pattern) text() string { return "Member must satisfy regular expression pattern: " + p.source }

// Compile makes a regular expression that matches when the whole value matches the model's pattern.
func Compile(source string) (*regexp.Regexp, error) {
	source = javaEscape.ReplaceAllString(source, `\x{$1}`)
	return regexp.Compile(`\A(?:` + source + `)\z`)
}

// javaEscape is how Java writes a character by its number.
var javaEscape = regexp.MustCompile(`\\u([0-9A-F]{4})`)

// Supported reports whether the pattern can be judged: by Go's regular expressions or by a predicate.
func Supported(source string) bool {
	if _, ok := written[source]; ok {
		return true
	}
	_, err := Compile(source)
	return err == nil
}

// written holds the patterns that look around, which Go's regular expressions cannot do.
var written = map[string]func(string) bool{
	`[0-9A-Za-z\.\-_]*(?<!\.)`:                  bucketName,
	`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`: collectionName,
	`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`:              aliasName,
	`((?!^\d+$)^[0-9a-zA-Z-_]+$)`:               aliasName, // the same, otherwise written
}

// aliasName is letters, digits, hyphens and underscores, and not digits alone: those are a version's.
func aliasName(s string) bool {
	other := false
	for i := range len(s) {
		c := s[i]
		digit := '0' <= c && c <= '9'
		if !digit && c != '-' && c != '_' && (c|0x20 < 'a' || 'z' < c|0x20) {
			return false
		}
		other = other || !digit
	}
	return other
}

// bucketName is letters, digits, dots, hyphens and underscores, with no dot at the end.
func bucketName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte(".-_", c) >= 0) {
			return false
		}
	}
	return !strings.HasSuffix(s, ".")
}

// collectionName begins with a letter, a digit or an underscore, but not with "system.", and has no dollar sign.
func collectionName(s string) bool {
	return s != "" && !strings.HasPrefix(s, "system.") && !strings.Contains(s, "$") &&
		(s[0] == '_' || '0' <= s[0] && s[0] <= '9' || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
}
