package disk

import (
	"fmt"
	"runtime/debug"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// cursor walks over Pebble's entries. Should Pebble panic over what it finds, the walk ends with an error.
type cursor struct {
	it  *pebble.Iterator
	err error
}

func (c *cursor) first() bool { return c.move((*pebble.Iterator).First) }
func (c *cursor) last() bool  { return c.move((*pebble.Iterator).Last) }
func (c *cursor) next() bool  { return c.move((*pebble.Iterator).Next) }

// move makes a step and reports whether there is an entry. At the end of the walk, err says whether it is the end.
func (c *cursor) move(step func(*pebble.Iterator) bool) (ok bool) {
	defer rescue(&c.err)
	if c.err != nil {
		return false
	}
	if !step(c.it) {
		c.err = readError(c.it.Error())
		return false
	}
	return true
}

// key returns the entry's key, valid until the next step.
func (c *cursor) key() []byte { return c.it.Key() }

// value returns the entry's value, valid until the next step.
func (c *cursor) value() (value []byte, err error) {
	defer rescue(&err)
	value, err = c.it.ValueAndErr()
	return value, readError(err)
}

func (c *cursor) close() { _ = c.it.Close() }

// rescue turns a panic into an error.
func rescue(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: pebble panicked: %v\n%s", store.ErrCorrupt, r, debug.Stack())
	}
}

// newCursor returns a cursor over [from, to).
func (s *Store) newCursor(from, to []byte) (*cursor, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return nil, readError(err)
	}
	return &cursor{it: it}, nil
}

// lookup calls read with the value under a key, which is valid only meanwhile. It returns pebble.ErrNotFound when there is
// none.
func (s *Store) lookup(key []byte, read func(value []byte) error) (err error) {
	defer rescue(&err)
	value, closer, err := s.db.Get(key)
	if err != nil {
		return readError(err)
	}
	defer func() { _ = closer.Close() }()
	return read(value)
}
