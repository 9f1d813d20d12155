package pattern

import "strings"

// scanner reads a pattern from its beginning to its end.
type scanner struct {
	rest    string
	regexes int
}

// space skips white space.
func (s *scanner) space() { s.rest = strings.TrimLeft(s.rest, " \t\r\n") }

// accept skips white space and then the text, if that is next.
func (s *scanner) accept(text string) bool {
	s.space()
	rest, ok := strings.CutPrefix(s.rest, text)
	if ok {
		s.rest = rest
	}
	return ok
}

// word skips white space and a word in capitals or not, if that is next and nothing is joined to it.
func (s *scanner) word(text string) bool {
	s.space()
	if len(s.rest) < len(text) || !strings.EqualFold(s.rest[:len(text)], text) {
		return false
	}
	after := s.rest[len(text):]
	if after != "" && nameByte(after[0]) {
		return false
	}
	s.rest = after
	return true
}

// while takes the longest beginning whose bytes all fit.
func (s *scanner) while(fits func(c byte) bool) string {
	i := 0
	for i < len(s.rest) && fits(s.rest[i]) {
		i++
	}
	text := s.rest[:i]
	s.rest = s.rest[i:]
	return text
}

// nameByte reports whether names of properties and words may have the byte: letters beyond ASCII are some of several.
func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= 0x80
}

// quoted takes a text between double quotes, which is next; a backslash makes the byte behind it an ordinary one.
func (s *scanner) quoted() (text string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(s.rest):
			i++
			b.WriteByte(s.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// delimited takes what stands between two marks, the first of which is next.
func (s *scanner) delimited(mark byte) (text string, ok bool) {
	i := strings.IndexByte(s.rest[1:], mark)
	if i < 0 {
		return "", false
	}
	text = s.rest[1 : 1+i]
	s.rest = s.rest[i+2:]
	return text, true
}
