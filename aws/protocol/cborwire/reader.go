package cborwire

import (
	"unicode/utf8"

	"github.com/millrace/millrace/aws/protocol/wire"
)

// Unit is the unit of times in a dialect of CBOR.
type Unit int

// The units.
const (
	Milliseconds Unit = iota // AWS's CBOR 1.1: whole milliseconds since the epoch
	Seconds                  // Smithy's rpc-v2-cbor: seconds since the epoch, with a fraction
)

// Reader reads one CBOR document. The zero value is not usable; make one with NewReader.
type Reader struct {
	buf       []byte
	pos       int
	unit      Unit
	open      []int64 // what is left in each open list and map, or indefinite; the innermost last
	elements  int
	malformed bool
	offence   string
	offended  bool

	text, blobs wire.Chunk
	joined      []byte // the last string that came in pieces
}

var _ wire.Document = (*Reader)(nil)

// NewReader makes a reader of the document in buf. The reader does not change buf and keeps no part of it in the
// values that it hands out.
func NewReader(buf []byte, unit Unit) *Reader {
	return &Reader{buf: buf, unit: unit, open: make([]int64, 0, 8)}
}

// Malformed reports whether what was read so far is not CBOR, or not a map at the top.
func (r *Reader) Malformed() bool { return r.malformed }

// Offence returns the first type error of the document in AWS's words, and whether there was one.
func (r *Reader) Offence() (string, bool) { return r.offence, r.offended }

// End says that the document has been read and checks that nothing follows.
func (r *Reader) End() {
	if r.pos != len(r.buf) {
		r.fail()
	}
}

// fail marks the document as malformed and moves to its end, so that all loops over it stop.
func (r *Reader) fail() {
	r.malformed = true
	r.pos = len(r.buf)
}

// Offend records a type error, unless one was recorded before.
func (r *Reader) Offend(message string) {
	if !r.offended {
		r.offended, r.offence = true, message
	}
}

// peek passes over tags and returns the first byte of the value that comes next. At the end of the document, and
// where a break stands instead of a value, the document is malformed, and peek returns a break.
func (r *Reader) peek() byte {
	for r.pos < len(r.buf) {
		c := r.buf[r.pos]
		switch {
		case c == byteBreak:
			r.fail()
			return byteBreak
		case c>>5 != majorTag:
			return c
		case c&31 == infoIndefinite:
			r.fail()
			return byteBreak
		}
		r.argument()
	}
	r.fail()
	return byteBreak
}

func isNull(c byte) bool { return c == byteNull || c == byteUndefined }

// Null reads a null or an undefined if one comes next.
func (r *Reader) Null() bool {
	if !isNull(r.peek()) {
		return false
	}
	r.pos++
	return true
}

// Struct opens the map that comes next. The document itself must be a map: anything else there is malformed.
func (r *Reader) Struct() bool {
	if c := r.peek(); len(r.open) == 0 && c>>5 != majorMap {
		r.fail()
		return false
	}
	return r.container(majorMap, wire.StartOfList, wire.ExpectedStruct)
}

// Map opens the map that comes next; like Struct, with the texts for maps.
func (r *Reader) Map() bool { return r.container(majorMap, wire.StartOfList, wire.ExpectedMap) }

// List opens the list that comes next.
func (r *Reader) List() bool {
	return r.container(majorList, wire.StartOfStructure, wire.ExpectedList)
}

// container opens a list or a map; other and scalar are the offences of the other kind and of scalars.
func (r *Reader) container(major byte, other, scalar string) bool {
	c := r.peek()
	switch {
	case c == byteBreak: // malformed
	case c>>5 == major:
		return r.enter()
	case isNull(c):
		r.pos++
	case c>>5 == majorList || c>>5 == majorMap:
		r.refuse(other)
	default:
		r.refuse(scalar)
	}
	return false
}

// enter opens the list or map at whose initial byte the reader stands. The number of elements is believed only as
// they come.
func (r *Reader) enter() bool {
	if len(r.open) == wire.MaxDepth {
		r.fail()
		return false
	}
	left := int64(indefinite)
	if r.buf[r.pos]&31 == infoIndefinite {
		r.pos++
	} else {
		n, ok := r.argument()
		if !ok {
			return false
		}
		if n > wire.MaxElements {
			r.fail()
			return false
		}
		left = int64(n)
	}
	r.open = append(r.open, left)
	return true
}

// refuse records an offence of the value that comes next and reads past it.
func (r *Reader) refuse(message string) {
	r.Skip()
	if !r.malformed {
		r.Offend(message)
	}
}

// more counts an element of the innermost list or map, or closes it at its end.
func (r *Reader) more() bool {
	if r.malformed || len(r.open) == 0 {
		return false
	}
	left := &r.open[len(r.open)-1]
	end := *left == 0
	if *left == indefinite && r.pos < len(r.buf) && r.buf[r.pos] == byteBreak {
		r.pos++
		end = true
	}
	if end {
		r.open = r.open[:len(r.open)-1]
		return false
	}
	if *left > 0 {
		*left--
	}
	if r.elements++; r.elements > wire.MaxElements {
		r.fail()
		return false
	}
	return true
}

// Member reads the next key of the open map, which must be a text. It returns false at the end of the map, which is
// then closed. The name is valid until the next call.
func (r *Reader) Member() ([]byte, bool) {
	if !r.more() {
		return nil, false
	}
	if r.peek()>>5 != majorText {
		r.fail()
		return nil, false
	}
	return r.utf8()
}

// Element moves to the next element of the open list. It returns false at the end of the list, which is then closed.
// Elements that are null are passed over.
func (r *Reader) Element() bool {
	for r.more() {
		switch c := r.peek(); {
		case c == byteBreak:
			return false
		case isNull(c):
			r.pos++
		default:
			return true
		}
	}
	return false
}

// Skip reads past the value that comes next, whatever it is.
func (r *Reader) Skip() {
	switch c := r.peek(); c >> 5 {
	case majorUint, majorNegative:
		r.number()
	case majorBytes:
		r.pieces(majorBytes)
	case majorText:
		r.utf8()
	case majorList:
		if r.enter() {
			for r.Element() {
				r.Skip()
			}
		}
	case majorMap:
		if r.enter() {
			for _, ok := r.Member(); ok; _, ok = r.Member() {
				r.Skip()
			}
		}
	default:
		r.skipOther(c)
	}
}

// skipOther reads past a floating-point number, a boolean or a null. Other simple values mean nothing to anyone.
func (r *Reader) skipOther(c byte) {
	switch c {
	case byteHalf, byteSingle, byteDouble:
		r.number()
	case byteFalse, byteTrue, byteNull, byteUndefined:
		r.pos++
	default:
		r.fail()
	}
}

// utf8 reads a text, which is valid until the next call.
func (r *Reader) utf8() ([]byte, bool) {
	raw, ok := r.pieces(majorText)
	if ok && !utf8.Valid(raw) {
		r.fail()
		return nil, false
	}
	return raw, ok
}

// pieces reads a text or a byte string, at whose initial byte the reader stands. One that came in pieces is put
// together, in memory that the next call uses again.
func (r *Reader) pieces(major byte) ([]byte, bool) {
	if r.buf[r.pos]&31 != infoIndefinite {
		return r.piece()
	}
	r.pos++
	r.joined = r.joined[:0]
	for r.pos < len(r.buf) && r.buf[r.pos] != byteBreak {
		if c := r.buf[r.pos]; c>>5 != major || c&31 == infoIndefinite {
			r.fail()
			return nil, false
		}
		piece, ok := r.piece()
		if !ok {
			return nil, false
		}
		r.joined = append(r.joined, piece...)
	}
	if r.pos >= len(r.buf) {
		r.fail()
		return nil, false
	}
	r.pos++
	return r.joined, true
}

// piece reads a string of a given length.
func (r *Reader) piece() ([]byte, bool) {
	n, ok := r.argument()
	if !ok {
		return nil, false
	}
	if n > uint64(len(r.buf)-r.pos) {
		r.fail()
		return nil, false
	}
	raw := r.buf[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return raw, true
}
