package jsonwire

import (
	"bytes"
	"unicode/utf8"

	"github.com/millrace/millrace/aws/protocol/wire"
	"github.com/millrace/millrace/internal/escape"
)

// Reader reads one JSON document. The zero value is not usable; make one with NewReader.
type Reader struct {
	buf       []byte
	pos       int
	depth     int
	elements  int
	first     bool // no member or element of the innermost list or object has been read yet
	malformed bool
	offence   string
	offended  bool

	text, blobs wire.Chunk
}

// NewReader makes a reader of the document in buf. The reader does not change buf and keeps no part of it in
// the values that it hands out.
func NewReader(buf []byte) *Reader {
	return &Reader{buf: buf, first: true}
}

// Malformed reports whether the text read so far is not JSON, or not an object at the top.
func (r *Reader) Malformed() bool { return r.malformed }

// Offence returns the first type error of the document in AWS's words, and whether there was one.
func (r *Reader) Offence() (string, bool) { return r.offence, r.offended }

// End says that the document has been read and checks that nothing but white space follows.
func (r *Reader) End() {
	if r.malformed {
		return
	}
	r.space()
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

func (r *Reader) space() {
	for r.pos < len(r.buf) {
		switch r.buf[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, or 0 at the end of the text.
func (r *Reader) peek() byte {
	r.space()
	if r.pos >= len(r.buf) {
		return 0
	}
	return r.buf[r.pos]
}

func (r *Reader) open() bool {
	if r.depth == wire.MaxDepth {
		r.fail()
		return false
	}
	r.pos++
	r.depth++
	r.first = true
	return true
}

func (r *Reader) shut() {
	r.pos++
	r.depth--
	r.first = false
}

// literal reads the rest of true, false or null.
func (r *Reader) literal(word string) {
	if len(r.buf)-r.pos < len(word) || string(r.buf[r.pos:r.pos+len(word)]) != word {
		r.fail()
		return
	}
	r.pos += len(word)
}

// Null reads a null if one comes next.
func (r *Reader) Null() bool {
	if r.peek() != 'n' {
		return false
	}
	r.literal("null")
	return !r.malformed
}

// Struct opens the object that comes next. It returns false, having read the value, when the value is null or of
// another type. The document itself must be an object: anything else there is malformed.
func (r *Reader) Struct() bool {
	c := r.peek()
	switch {
	case c == '{':
		return r.open()
	case r.depth == 0:
		r.fail()
	case c == 'n':
		r.literal("null")
	case c == '[':
		r.refuse(wire.StartOfList)
	default:
		r.refuse(wire.ExpectedStruct)
	}
	return false
}

// Map opens the object that comes next as a map; like Struct, with the texts for maps.
func (r *Reader) Map() bool {
	switch r.peek() {
	case '{':
		return r.open()
	case 'n':
		r.literal("null")
	case '[':
		r.refuse(wire.StartOfList)
	default:
		r.refuse(wire.ExpectedMap)
	}
	return false
}

// List opens the list that comes next. It returns false, having read the value, when the value is null or of
// another type.
func (r *Reader) List() bool {
	switch r.peek() {
	case '[':
		return r.open()
	case 'n':
		r.literal("null")
	case '{':
		r.refuse(wire.StartOfStructure)
	default:
		r.refuse(wire.ExpectedList)
	}
	return false
}

// refuse records an offence of the value that comes next and reads past it.
func (r *Reader) refuse(message string) {
	r.Skip()
	if !r.malformed {
		r.Offend(message)
	}
}

// Member reads the next member name of the open object and the colon after it. It returns false at the end of
// the object, which is then closed. The name is valid until the next call.
func (r *Reader) Member() ([]byte, bool) {
	c := r.peek()
	if c == '}' {
		r.shut()
		return nil, false
	}
	if !r.first {
		if c != ',' {
			r.fail()
			return nil, false
		}
		r.pos++
		c = r.peek()
	}
	if c != '"' {
		r.fail()
		return nil, false
	}
	raw, plain := r.quoted()
	if !plain {
		raw = escape.Undo(nil, raw)
	}
	if r.peek() != ':' || !r.count() {
		r.fail()
		return nil, false
	}
	r.pos++
	r.first = false
	return raw, true
}

// Element moves to the next element of the open list. It returns false at the end of the list, which is then
// closed. Elements that are null are passed over.
func (r *Reader) Element() bool {
	for {
		c := r.peek()
		if c == ']' {
			r.shut()
			return false
		}
		if !r.first {
			if c != ',' {
				r.fail()
				return false
			}
			r.pos++
			c = r.peek()
		}
		r.first = false
		switch c {
		case ']', 0:
			r.fail()
			return false
		case 'n':
			r.literal("null")
		default:
			if !r.count() {
				r.fail()
				return false
			}
			return true
		}
	}
}

// count counts a member or an element and reports whether there may be so many.
func (r *Reader) count() bool {
	r.elements++
	return r.elements <= wire.MaxElements
}

// Skip reads past the value that comes next, whatever it is.
func (r *Reader) Skip() {
	switch c := r.peek(); {
	case c == '"':
		r.quoted()
	case c == '{':
		if r.open() {
			for {
				if _, ok := r.Member(); !ok {
					return
				}
				r.Skip()
			}
		}
	case c == '[':
		if r.open() {
			for r.Element() {
				r.Skip()
			}
		}
	case c == 't':
		r.literal("true")
	case c == 'f':
		r.literal("false")
	case c == 'n':
		r.literal("null")
	case c == '-' || '0' <= c && c <= '9':
		r.number()
	default:
		r.fail()
	}
}

// quoted reads a string and returns what stands between its quotes, and whether that is the text itself, without
// escapes. It has checked that there are no control characters, that escapes are well formed, and that the text
// is UTF-8.
func (r *Reader) quoted() (raw []byte, plain bool) {
	start := r.pos + 1
	end := bytes.IndexByte(r.buf[start:], '"')
	if end < 0 {
		r.fail()
		return nil, true
	}
	raw = r.buf[start : start+end]
	if bytes.IndexByte(raw, '\\') < 0 {
		r.pos = start + end + 1
		if !clean(raw) {
			r.fail()
			return nil, true
		}
		return raw, true
	}
	return r.escaped(start)
}

// escaped reads a string that holds an escape, starting after its opening quote.
func (r *Reader) escaped(start int) (raw []byte, plain bool) {
	for i := start; i < len(r.buf); {
		switch c := r.buf[i]; {
		case c == '"':
			raw = r.buf[start:i]
			if !utf8.Valid(raw) {
				r.fail()
				return nil, true
			}
			r.pos = i + 1
			return raw, false
		case c == '\\':
			n := escape.Len(r.buf[i:])
			if n == 0 {
				r.fail()
				return nil, true
			}
			i += n
		case c < 0x20:
			r.fail()
			return nil, true
		default:
			i++
		}
	}
	r.fail()
	return nil, true
}

// number reads a number and returns its text.
func (r *Reader) number() []byte {
	start := r.pos
	if r.at('-') {
		r.pos++
	}
	switch {
	case r.at('0'):
		r.pos++
	case !r.digits():
		r.fail()
		return nil
	}
	if r.at('.') {
		r.pos++
		if !r.digits() {
			r.fail()
			return nil
		}
	}
	if r.at('e') || r.at('E') {
		r.pos++
		if r.at('+') || r.at('-') {
			r.pos++
		}
		if !r.digits() {
			r.fail()
			return nil
		}
	}
	return r.buf[start:r.pos]
}

func (r *Reader) at(c byte) bool { return r.pos < len(r.buf) && r.buf[r.pos] == c }

func (r *Reader) digits() bool {
	start := r.pos
	for r.pos < len(r.buf) && '0' <= r.buf[r.pos] && r.buf[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > start
}

// IsNumber reports whether s is a number in JSON's grammar.
func IsNumber(s string) bool {
	r := NewReader([]byte(s))
	if s == "" || r.number() == nil {
		return false
	}
	return !r.malformed && r.pos == len(s)
}
