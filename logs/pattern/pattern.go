package pattern

import (
	"fmt"
	"strings"
)

// Pattern says which messages are meant. It may be used from many goroutines.
type Pattern struct {
	match func(message []byte) bool
}

// Match reports whether the message is meant.
func (p *Pattern) Match(message []byte) bool { return p.match(message) }

// Error says what is wrong with a pattern, in AWS's words.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func invalid(format string, a ...any) error { return &Error{fmt.Sprintf(format, a...)} }

var errInvalid = &Error{"Invalid filter pattern"}

// maxRegexes is how many regular expressions a pattern in braces or brackets may have.
const maxRegexes = 2

// Parse reads a pattern. Nil, without an error, stands for all messages. The error is an *Error.
func Parse(text string) (*Pattern, error) {
	trimmed := strings.TrimSpace(text)
	var match func(message []byte) bool
	var err error
	switch {
	case trimmed == "":
		return nil, nil
	case trimmed[0] == '{':
		if !strings.HasSuffix(trimmed, "}") || len(trimmed) < 2 {
			return nil, invalid("If a filter pattern starts with '{' it must end with '}'")
		}
		match, err = parseProperties(trimmed[1 : len(trimmed)-1])
	case trimmed[0] == '[':
		if !strings.HasSuffix(trimmed, "]") || len(trimmed) < 2 {
			return nil, invalid("If a filter pattern starts with '[' it must end with ']'")
		}
		match, err = parseWords(trimmed[1 : len(trimmed)-1])
	default:
		match, err = parseTerms(trimmed)
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{match}, nil
}
