package queue

import "slices"

const (
	// windowLimit is the most headers that the window holds.
	windowLimit = 2048
	// windowFill is how many it holds after it was cut back or read on.
	windowFill = 1024
)

// fresh is a message that nobody has received yet.
type fresh struct {
	position
	sent  int64
	group string // in a FIFO queue
}

// window is the part of a queue's fresh messages that memory holds: all before the edge, in order.
type window struct {
	items []fresh
	head  int // items before it were taken
	edge  position
}

func newWindow() window { return window{edge: lastPosition} }

// len returns how many messages it holds.
func (w *window) len() int { return len(w.items) - w.head }

// complete reports whether there is nothing beyond it in the store.
func (w *window) complete() bool { return w.edge == lastPosition }

// short reports whether it holds less than n although the store has more.
func (w *window) short(n int) bool { return w.len() < n && !w.complete() }

// front returns the first message.
func (w *window) front() (fresh, bool) {
	if w.len() == 0 {
		return fresh{}, false
	}
	return w.items[w.head], true
}

// pop drops the first message.
func (w *window) pop() {
	w.head++
	if w.head == len(w.items) {
		w.items, w.head = w.items[:0], 0
	}
}

// insert puts a message in its place. One beyond the edge is left to the store, one that is there already stays.
func (w *window) insert(f fresh) {
	if !f.before(w.edge) {
		return
	}
	i, found := w.find(f.position)
	if found {
		return
	}
	if w.head > 0 && i == w.head {
		w.head--
		w.items[w.head] = f
		return
	}
	if w.head > len(w.items)/2 {
		w.items = slices.Delete(w.items, 0, w.head)
		i, w.head = i-w.head, 0
	}
	w.items = slices.Insert(w.items, i, f)
	if w.len() > windowLimit {
		w.cut()
	}
}

// cut gives up the later half, which the store has too.
func (w *window) cut() {
	end := w.head + windowFill
	w.edge = w.items[end].position
	w.items = w.items[:end]
}

// remove takes a message out, and reports whether it was there.
func (w *window) remove(p position) (fresh, bool) {
	i, found := w.find(p)
	if !found {
		return fresh{}, false
	}
	f := w.items[i]
	w.items = slices.Delete(w.items, i, i+1)
	return f, true
}

// find returns the index of a message, or where it would be.
func (w *window) find(p position) (int, bool) {
	i, found := slices.BinarySearchFunc(w.items[w.head:], p, func(f fresh, p position) int {
		switch {
		case f.position.before(p):
			return -1
		case p.before(f.position):
			return 1
		}
		return 0
	})
	return i + w.head, found
}
