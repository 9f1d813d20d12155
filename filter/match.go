package filter

// maxDepth is how deep objects and arrays of a payload may lie in each other. Java's JSON library, and so AWS's services,
// end there too.
const maxDepth = 1000

// forget brings a level to what holds when its object has no members.
func (m *match) forget(l *level) {
	for _, n := range l.names {
		for _, a := range n.atoms {
			m.values[a.place] = a.absent
		}
	}
}

// missing notes a member whose value is nothing that the patterns could look at.
func (m *match) missing(n *name) {
	for _, a := range n.atoms {
		if a.absent {
			m.values[a.place] = true
		}
	}
}

// scalar notes a member that is a leaf.
func (m *match) scalar(n *name, v scalar) {
	for _, a := range n.atoms {
		if a.leaf == nil {
			m.values[a.place] = m.values[a.place] || a.absent
			continue
		}
		for _, t := range a.leaf.tests {
			if t.matches(v) {
				m.values[a.place] = true
				break
			}
		}
	}
}

// reach notes a member that is an object, which has just been read.
func (m *match) reach(n *name) {
	for _, a := range n.atoms {
		if a.leaf != nil && a.absent || a.goal != nil && a.goal.reached(m.values) {
			m.values[a.place] = true
		}
	}
}

// object reads an object of a level; depth counts it too. It returns false when that is not valid, as all that read do.
func (m *match) object(l *level, depth int) bool {
	if depth > maxDepth {
		return false
	}
	m.forget(l)
	m.at++ // the brace
	if m.space(); m.peek() == '}' {
		m.at++
		return true
	}
	for {
		text, ok := m.string()
		if !ok || !m.colon() {
			return false
		}
		if n := l.find(text); n != nil {
			clear(m.values[n.from:n.to]) // a member of this name that came before does not count
			ok = m.value(n, depth)
		} else {
			ok = m.skip(depth)
		}
		if more, ends := m.next('}'); !ok || !more {
			return ok && ends
		}
	}
}

// value reads the value of a member that patterns speak of. In an array it is read again for each element: what one of
// them meets is met.
func (m *match) value(n *name, depth int) bool {
	switch c := m.peek(); {
	case c == '{' && n.within == nil:
		m.missing(n)
		return m.skip(depth)
	case c == '{':
		if !m.object(n.within, depth+1) {
			return false
		}
		m.reach(n)
		return true
	case c == '[':
		return m.elements(n, depth+1)
	case c == '"':
		text, ok := m.string()
		if ok {
			m.scalar(n, scalar{kindString, text})
		}
		return ok
	}
	from, kind := m.at, kindWord
	if c := m.peek(); c == '-' || '0' <= c && c <= '9' {
		kind = kindNumber
	}
	if !m.skip(depth) {
		return false
	}
	m.scalar(n, scalar{kind, m.in[from:m.at]})
	return true
}

func (m *match) elements(n *name, depth int) bool {
	if depth > maxDepth {
		return false
	}
	m.at++ // the bracket
	if m.space(); m.peek() == ']' {
		m.at++
		m.missing(n)
		return true
	}
	for {
		ok := m.value(n, depth)
		if more, ends := m.next(']'); !ok || !more {
			return ok && ends
		}
	}
}

// skip reads a value that no pattern speaks of.
func (m *match) skip(depth int) bool {
	switch m.peek() {
	case '{':
		return m.skipObject(depth + 1)
	case '[':
		return m.skipArray(depth + 1)
	case '"':
		_, ok := m.quoted()
		return ok
	case 't':
		return m.word("true")
	case 'f':
		return m.word("false")
	case 'n':
		return m.word("null")
	}
	return m.number()
}

func (m *match) skipObject(depth int) bool {
	if depth > maxDepth {
		return false
	}
	m.at++
	if m.space(); m.peek() == '}' {
		m.at++
		return true
	}
	for {
		if _, ok := m.quoted(); !ok || !m.colon() {
			return false
		}
		ok := m.skip(depth)
		if more, ends := m.next('}'); !ok || !more {
			return ok && ends
		}
	}
}

func (m *match) skipArray(depth int) bool {
	if depth > maxDepth {
		return false
	}
	m.at++
	if m.space(); m.peek() == ']' {
		m.at++
		return true
	}
	for {
		ok := m.skip(depth)
		if more, ends := m.next(']'); !ok || !more {
			return ok && ends
		}
	}
}
