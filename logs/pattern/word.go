package pattern

import "strings"

// words are what is asked of the words of a message: the first ones, any number of others if there may be such, and the
// last ones.
type words struct {
	first, last []condition[string]
	others      bool
}

// parseWords reads what stands in brackets.
func parseWords(text string) (func(message []byte) bool, error) {
	var w words
	s := &scanner{rest: text}
	for {
		if s.accept("...") {
			if w.others {
				return nil, errInvalid
			}
			w.others = true
		} else {
			holds, err := s.field()
			if err != nil {
				return nil, err
			}
			if w.others {
				w.last = append(w.last, holds)
			} else {
				w.first = append(w.first, holds)
			}
		}
		if s.accept(",") {
			continue
		}
		if s.space(); s.rest != "" {
			return nil, errInvalid
		}
		return w.match, nil
	}
}

// field takes a word's name, and what is asked of it.
func (s *scanner) field() (condition[string], error) {
	s.space()
	start := s.rest
	name := s.while(nameByte)
	s.space()
	if name != "" && (s.rest == "" || s.rest[0] == ',') {
		return func(string) bool { return true }, nil
	}
	s.rest = start
	var known string
	return either(s, 0, func() (condition[string], error) {
		s.space()
		name := s.while(nameByte)
		if name == "" || known != "" && name != known {
			return nil, errInvalid // each word speaks for itself
		}
		known = name
		c, err := s.comparison("()&|,")
		return c.holdsText, err
	})
}

func (w words) match(message []byte) bool {
	asked := len(w.first) + len(w.last)
	all := split(strings.TrimRight(string(message), "\r\n"))
	if len(all) < asked {
		return false
	}
	if !w.others && len(all) > asked { // the last one has the rest
		all[asked-1] = strings.Join(all[asked-1:], " ")
		all = all[:asked]
	}
	for i, holds := range w.first {
		if !holds(all[i]) {
			return false
		}
	}
	for i, holds := range w.last {
		if !holds(all[len(all)-len(w.last)+i]) {
			return false
		}
	}
	return true
}

// split cuts a message at its spaces. What stands in brackets or quotes is one word, without these.
func split(message string) []string {
	var all []string
	for {
		message = strings.TrimLeft(message, " \t")
		if message == "" {
			return all
		}
		var close string
		switch message[0] {
		case '[':
			close = "]"
		case '"':
			close = `"`
		}
		if close != "" {
			if word, rest, ok := strings.Cut(message[1:], close); ok {
				all = append(all, word)
				message = rest
				continue
			}
		}
		end := strings.IndexAny(message, " \t")
		if end < 0 {
			return append(all, message)
		}
		all = append(all, message[:end])
		message = message[end:]
	}
}
