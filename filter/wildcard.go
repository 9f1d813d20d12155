package filter

import "bytes"

// wildcard is a string with gaps: the parts follow each other with anything between, the first and the last of them at
// the ends.
type wildcard struct{ parts [][]byte }

// newWildcard reads a text in which * stands for anything, \* for a star and \\ for a backslash, or says what is wrong
// with it.
func newWildcard(text string) (w wildcard, reason string) {
	part := []byte{}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && (i+1 == len(text) || text[i+1] != '*' && text[i+1] != '\\'):
			return w, `a backslash stands only before * and \`
		case c == '\\':
			i++
			part = append(part, text[i])
		case c == '*' && i > 0 && len(part) == 0 && len(w.parts) > 0:
			return w, "two stars follow each other"
		case c == '*':
			w.parts = append(w.parts, part)
			part = []byte{}
		default:
			part = append(part, c)
		}
	}
	w.parts = append(w.parts, part)
	return w, ""
}

func (t wildcard) matches(v scalar) bool {
	if v.kind != kindString {
		return false
	}
	text, first, last := v.text, t.parts[0], t.parts[len(t.parts)-1]
	if len(t.parts) == 1 {
		return bytes.Equal(text, first)
	}
	if len(text) < len(first)+len(last) || !bytes.HasPrefix(text, first) || !bytes.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range t.parts[1 : len(t.parts)-1] {
		i := bytes.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
