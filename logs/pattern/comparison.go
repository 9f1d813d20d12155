package pattern

import (
	"regexp"
	"strconv"
	"strings"
)

// comparison compares a value with a literal.
type comparison struct {
	operator string // = != < <= > >=
	text     string // may have asterisks for anything
	number   float64
	numeric  bool           // the literal is a number
	regex    *regexp.Regexp // instead of the text
}

// comparison takes an operator and a literal that ends before one of the given bytes.
func (s *scanner) comparison(ends string) (comparison, error) {
	var c comparison
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if s.accept(operator) {
			c.operator = operator
			break
		}
	}
	if c.operator == "" {
		return c, errInvalid
	}
	s.space()
	if err := s.literal(&c, ends); err != nil {
		return c, err
	}
	if c.operator != "=" && c.operator != "!=" && !c.numeric {
		return c, errInvalid
	}
	return c, nil
}

func (s *scanner) literal(c *comparison, ends string) (err error) {
	ok := true
	switch {
	case s.rest == "":
		return errInvalid
	case s.rest[0] == '"':
		c.text, ok = s.quoted()
	case s.rest[0] == '%':
		var text string
		if text, ok = s.delimited('%'); ok {
			c.regex, err = compile(text)
		}
		if s.regexes++; s.regexes > maxRegexes {
			return errInvalid
		}
	default:
		c.text = s.while(func(b byte) bool { return b > ' ' && !strings.ContainsRune(ends, rune(b)) })
		c.number, err = strconv.ParseFloat(c.text, 64)
		c.numeric, err = err == nil, nil
		ok = c.text != ""
	}
	if !ok {
		return errInvalid
	}
	return err
}

// holdsText reports whether the comparison holds for a text.
func (c comparison) holdsText(text string) bool {
	equal := false
	switch {
	case c.regex != nil:
		equal = c.regex.MatchString(text)
	case glob(c.text, text):
		equal = c.operator == "=" || c.operator == "!="
	}
	if c.operator != "=" && c.operator != "!=" || c.numeric && !equal {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return c.holdsNumber(n, text)
		}
	}
	switch c.operator {
	case "=":
		return equal
	case "!=":
		return !equal
	}
	return false
}

// holdsNumber reports whether the comparison holds for a number, which is written like the text.
func (c comparison) holdsNumber(n float64, text string) bool {
	if !c.numeric {
		equal := c.regex != nil && c.regex.MatchString(text) || c.regex == nil && glob(c.text, text)
		return equal == (c.operator == "=")
	}
	switch c.operator {
	case "=":
		return n == c.number
	case "!=":
		return n != c.number
	case "<":
		return n < c.number
	case "<=":
		return n <= c.number
	case ">":
		return n > c.number
	}
	return n >= c.number
}

// glob reports whether a text fits a form in which asterisks stand for anything.
func glob(form, text string) bool {
	parts := strings.Split(form, "*")
	if len(parts) == 1 {
		return form == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}

// condition is something that is so or not of a subject.
type condition[T any] func(subject T) bool

// either takes conditions joined by || and &&, in parentheses or not; one takes a single condition.
func either[T any](s *scanner, depth int, one func() (condition[T], error)) (condition[T], error) {
	return joined(s, "||", func(a, b condition[T]) condition[T] {
		return func(x T) bool { return a(x) || b(x) }
	}, func() (condition[T], error) {
		return joined(s, "&&", func(a, b condition[T]) condition[T] {
			return func(x T) bool { return a(x) && b(x) }
		}, func() (condition[T], error) {
			if !s.accept("(") {
				return one()
			}
			if depth == maxDepth {
				return nil, errInvalid
			}
			inner, err := either(s, depth+1, one)
			if err == nil && !s.accept(")") {
				err = errInvalid
			}
			return inner, err
		})
	})
}

// maxDepth bounds parentheses within parentheses.
const maxDepth = 50

func joined[T any](s *scanner, by string, join func(a, b condition[T]) condition[T], one func() (condition[T], error)) (condition[T], error) {
	all, err := one()
	for err == nil && s.accept(by) {
		var next condition[T]
		if next, err = one(); err == nil {
			all = join(all, next)
		}
	}
	return all, err
}
