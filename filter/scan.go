package filter

import "github.com/millrace/millrace/internal/escape"

// peek returns the byte that is to be read next, 0 at the end.
func (m *match) peek() byte {
	if m.at < len(m.in) {
		return m.in[m.at]
	}
	return 0
}

func (m *match) space() {
	for m.at < len(m.in) {
		switch m.in[m.at] {
		case ' ', '\t', '\n', '\r':
			m.at++
		default:
			return
		}
	}
}

// colon reads what lies between the name of a member and its value.
func (m *match) colon() bool {
	m.space()
	if m.peek() != ':' {
		return false
	}
	m.at++
	m.space()
	return true
}

// next reads what follows a member or an element: a comma, behind which there is more, or the end of what holds it.
func (m *match) next(end byte) (more, ends bool) {
	m.space()
	switch m.peek() {
	case ',':
		m.at++
		m.space()
		return true, false
	case end:
		m.at++
		return false, true
	}
	return false, false
}

func (m *match) word(w string) bool {
	if len(m.in)-m.at < len(w) || string(m.in[m.at:m.at+len(w)]) != w {
		return false
	}
	m.at += len(w)
	return true
}

func (m *match) number() bool {
	if m.peek() == '-' {
		m.at++
	}
	if m.peek() == '0' {
		m.at++
	} else if !m.digits() {
		return false
	}
	if m.peek() == '.' {
		m.at++
		if !m.digits() {
			return false
		}
	}
	if c := m.peek(); c == 'e' || c == 'E' {
		m.at++
		if c := m.peek(); c == '+' || c == '-' {
			m.at++
		}
		return m.digits()
	}
	return true
}

// digits reads one digit or more.
func (m *match) digits() bool {
	from := m.at
	for c := m.peek(); '0' <= c && c <= '9'; c = m.peek() {
		m.at++
	}
	return m.at > from
}

// special are the bytes that do not stand for themselves inside a string.
var special = func() (table [256]bool) {
	for c := range 0x20 {
		table[c] = true
	}
	table['"'], table['\\'] = true, true
	return table
}()

// quoted reads a string and reports whether it has escapes. It is what lies before m.at, with its quotes.
func (m *match) quoted() (escaped, ok bool) {
	if m.peek() != '"' {
		return false, false
	}
	in := m.in
	for i := m.at + 1; i < len(in); i++ {
		if !special[in[i]] {
			continue
		}
		switch in[i] {
		case '"':
			m.at = i + 1
			return escaped, true
		case '\\':
			escaped = true
			width := escape.Len(in[i:])
			if width == 0 {
				return escaped, false
			}
			i += width - 1
		default:
			return escaped, false // a control character
		}
	}
	return escaped, false
}

// string reads a string and returns it without quotes and escapes. It is good until the next string is read.
func (m *match) string() (text []byte, ok bool) {
	from := m.at
	escaped, ok := m.quoted()
	if !ok {
		return nil, false
	}
	text = m.in[from+1 : m.at-1]
	if escaped {
		m.buf = escape.Undo(m.buf[:0], text)
		text = m.buf
	}
	return text, true
}
