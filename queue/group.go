package queue

import (
	"cmp"
	"container/heap"
	"slices"
)

// group is a message group of a FIFO queue: those of its messages that memory knows of, in the order in which they were
// sent. The next to be received is always the first, so the group is closed while that is out of sight. Its queue's
// mutex guards it.
type group struct {
	id    string
	begun []*entry // received at least once and not deleted
	fresh []fresh  // received by nobody; head of them were taken
	head  int

	at    int64  // when the first may be received; never while a delete or a move of it is under way
	turn  uint64 // among those of one moment, who asked first
	place int    // in the line of groups, -1 when it stands in none
}

// first returns the group's first message: an entry, or one that nobody has received yet.
func (g *group) first() (*entry, fresh, bool) {
	e, f, ok := (*entry)(nil), fresh{}, g.head < len(g.fresh)
	if ok {
		f = g.fresh[g.head]
	}
	if len(g.begun) > 0 && (!ok || g.begun[0].number < f.number) {
		e = g.begun[0]
	}
	return e, f, ok || e != nil
}

// findBegun returns the index of an entry, or where it would be.
func (g *group) findBegun(number uint64) (int, bool) {
	return slices.BinarySearchFunc(g.begun, number, func(e *entry, n uint64) int { return cmp.Compare(e.number, n) })
}

// findFresh is the same for those that nobody has received.
func (g *group) findFresh(number uint64) (int, bool) {
	i, found := slices.BinarySearchFunc(g.fresh[g.head:], number, func(f fresh, n uint64) int { return cmp.Compare(f.number, n) })
	return i + g.head, found
}

// dropFresh takes out one that nobody has received, mostly the first.
func (g *group) dropFresh(i int) {
	if i != g.head {
		g.fresh = slices.Delete(g.fresh, i, i+1)
		return
	}
	g.head++
	switch {
	case g.head == len(g.fresh):
		g.fresh, g.head = nil, 0
	case g.head > 32 && g.head > len(g.fresh)/2:
		g.fresh, g.head = slices.Clone(g.fresh[g.head:]), 0
	}
}

// groups are the message groups of a FIFO queue. Those whose first message is, or will by itself come, in sight stand in
// line, by the moment of that.
type groups struct {
	byID  map[string]*group
	line  groupLine
	fresh int // messages in all of them that nobody has received
	turns uint64
}

func newGroups() *groups { return &groups{byID: make(map[string]*group)} }

// of returns the group, which is made if there is none.
func (s *groups) of(id string) *group {
	g := s.byID[id]
	if g == nil {
		g = &group{id: id, place: -1}
		s.byID[id] = g
	}
	return g
}

// insert puts in a message that nobody has received; one that is there already stays.
func (s *groups) insert(f fresh) *group {
	g := s.of(f.group)
	i, found := g.findFresh(f.number)
	if !found {
		f.group = g.id // so that all share one text
		g.fresh = slices.Insert(g.fresh, i, f)
		s.fresh++
	}
	return g
}

// remove takes out a message that nobody has received, and reports whether it was there.
func (s *groups) remove(id string, number uint64) bool {
	g := s.byID[id]
	if g == nil {
		return false
	}
	i, found := g.findFresh(number)
	if found {
		g.dropFresh(i)
		s.fresh--
	}
	return found
}

// next returns the group at the head of the line, if its moment has come.
func (s *groups) next(now int64) *group {
	if len(s.line) == 0 || s.line[0].at > now {
		return nil
	}
	return s.line[0]
}

// leave takes a group out of the line, and out of memory when nothing is left of it.
func (s *groups) leave(g *group) {
	if g.place >= 0 {
		heap.Remove(&s.line, g.place)
	}
	if _, _, ok := g.first(); !ok {
		delete(s.byID, g.id)
	}
}

// join puts a group into the line, for a moment.
func (s *groups) join(g *group, at int64) {
	s.turns++
	g.at, g.turn = at, s.turns
	if g.place < 0 {
		heap.Push(&s.line, g)
	} else {
		heap.Fix(&s.line, g.place)
	}
}

// groupLine is a heap of groups, the one whose moment comes first on top.
type groupLine []*group

func (l groupLine) Len() int { return len(l) }

func (l groupLine) Less(i, j int) bool {
	return l[i].at < l[j].at || l[i].at == l[j].at && l[i].turn < l[j].turn
}

func (l groupLine) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i, j
}

func (l *groupLine) Push(x any) {
	g := x.(*group)
	g.place = len(*l)
	*l = append(*l, g)
}

func (l *groupLine) Pop() any {
	old := *l
	last := old[len(old)-1]
	old[len(old)-1] = nil
	last.place = -1
	*l = old[:len(old)-1]
	return last
}
