package filter

import "slices"

// level is an object of the payload, or the record, as all patterns together see it: the names that some of them speaks
// of. Since a pattern's objects lie one in another, a level is at work on at most one object at a time.
type level struct {
	names  []*name
	byName map[string]*name // when there are many
}

// name is a member of a level's objects.
type name struct {
	text     string
	atoms    []*atom
	within   *level // of the object that is the member's value, nil when no pattern looks into it
	from, to int    // the places of the atoms
}

// atom is what one key of one pattern asks: a fact about a member that holds or does not.
type atom struct {
	leaf   *leaf
	goal   *goal // of the level within, when leaf is nil
	absent bool  // the fact holds without the member
	place  int   // of its value in match.values
}

// goal is when an object matches a pattern: all atoms hold, and of each list one goal is reached.
type goal struct {
	atoms []*atom
	ors   [][]*goal
}

func (g *goal) reached(values []bool) bool {
	for _, a := range g.atoms {
		if !values[a.place] {
			return false
		}
	}
	for _, or := range g.ors {
		if !slices.ContainsFunc(or, func(g *goal) bool { return g.reached(values) }) {
			return false
		}
	}
	return true
}

// add merges a pattern into the level and returns when it matches.
func (l *level) add(p *pattern) *goal {
	g := &goal{}
	for i := range p.keys {
		k := &p.keys[i]
		n := l.name(k.name)
		a := &atom{leaf: k.leaf}
		if k.leaf != nil {
			a.absent = k.leaf.absent
		} else {
			if n.within == nil {
				n.within = &level{}
			}
			a.goal, a.absent = n.within.add(k.within), k.within.matchesNothing()
		}
		n.atoms = append(n.atoms, a)
		g.atoms = append(g.atoms, a)
	}
	for _, alternatives := range p.ors {
		or := make([]*goal, 0, len(alternatives))
		for _, alternative := range alternatives {
			or = append(or, l.add(alternative))
		}
		g.ors = append(g.ors, or)
	}
	return g
}

// name returns the name of this text, a new one if there is none.
func (l *level) name(text string) *name {
	if n := l.find([]byte(text)); n != nil {
		return n
	}
	n := &name{text: text}
	l.names = append(l.names, n)
	const few = 8 // among which a search is quicker than a hash
	if len(l.names) > few {
		if l.byName == nil {
			l.byName = map[string]*name{}
		}
		for _, n := range l.names {
			l.byName[n.text] = n
		}
	}
	return n
}

func (l *level) find(text []byte) *name {
	if l.byName != nil {
		return l.byName[string(text)]
	}
	for _, n := range l.names {
		if string(text) == n.text {
			return n
		}
	}
	return nil
}

// number gives the atoms their places, those of one name side by side.
func (l *level) number(next *int) {
	for _, n := range l.names {
		n.from = *next
		for _, a := range n.atoms {
			a.place = *next
			*next++
		}
		n.to = *next
	}
	for _, n := range l.names {
		if n.within != nil {
			n.within.number(next)
		}
	}
}
