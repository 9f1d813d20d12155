package queue

// entry is what memory knows of a message that was received at least once. Its queue's mutex guards it.
type entry struct {
	position
	receives
	sent  int64
	group *group // in a FIFO queue

	place int32 // index in its schedule's heap
	in    *schedule

	deleting uint16 // deletes under way; while there are any the entry is in no schedule
	dirty    bool   // receives differs from the row, or there is none yet
	saved    bool   // there is, or may be, a row
	deleted  bool   // it is gone; a row that was being written must follow it

	straggler bool // its row was written while a delete was under way, and may have come after it
}

// schedule is a heap of entries, the one with the earliest deadline on top. Entries know their place, so that any can
// be taken out.
type schedule struct {
	heap []*entry
}

func (s *schedule) len() int { return len(s.heap) }

// top returns the entry with the earliest deadline, or nil.
func (s *schedule) top() *entry {
	if len(s.heap) == 0 {
		return nil
	}
	return s.heap[0]
}

// add puts the entry in. It must be in no schedule.
func (s *schedule) add(e *entry) {
	e.in, e.place = s, int32(len(s.heap))
	s.heap = append(s.heap, e)
	s.up(len(s.heap) - 1)
}

// remove takes the entry out of the schedule that it is in, if any.
func (e *entry) remove() {
	s := e.in
	if s == nil {
		return
	}
	i, last := int(e.place), len(s.heap)-1
	if i != last {
		s.swap(i, last)
	}
	s.heap[last] = nil
	s.heap = s.heap[:last]
	e.in = nil
	if i != last {
		if !s.down(i) {
			s.up(i)
		}
	}
}

func (s *schedule) less(i, j int) bool {
	a, b := s.heap[i], s.heap[j]
	return a.deadline < b.deadline || a.deadline == b.deadline && a.position.before(b.position)
}

func (s *schedule) swap(i, j int) {
	s.heap[i], s.heap[j] = s.heap[j], s.heap[i]
	s.heap[i].place, s.heap[j].place = int32(i), int32(j)
}

func (s *schedule) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.less(i, parent) {
			return
		}
		s.swap(i, parent)
		i = parent
	}
}

// down reports whether the entry moved.
func (s *schedule) down(i int) bool {
	start := i
	for {
		child := 2*i + 1
		if child >= len(s.heap) {
			break
		}
		if child+1 < len(s.heap) && s.less(child+1, child) {
			child++
		}
		if !s.less(child, i) {
			break
		}
		s.swap(i, child)
		i = child
	}
	return i != start
}
