package cborwire

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/aws/protocol/wire"
)

// Writer writes one CBOR document. Structures are maps of indefinite length, as AWS writes them; all else has its
// length before it, and numbers of whole values their shortest form.
type Writer struct {
	buf  []byte
	unit Unit
}

var _ wire.Writer = (*Writer)(nil)

// NewWriter makes a writer that appends to b.
func NewWriter(b []byte, unit Unit) *Writer { return &Writer{b, unit} }

// Bytes returns what the writer was given, and what was written.
func (w *Writer) Bytes() []byte { return w.buf }

// head writes an initial byte and its argument.
func (w *Writer) head(major byte, n uint64) {
	major <<= 5
	switch {
	case n < 24:
		w.buf = append(w.buf, major|byte(n))
	case n <= math.MaxUint8:
		w.buf = append(w.buf, major|24, byte(n))
	case n <= math.MaxUint16:
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, major|25), uint16(n))
	case n <= math.MaxUint32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, major|26), uint32(n))
	default:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, major|27), n)
	}
}

// OpenStruct begins a map without a length.
func (w *Writer) OpenStruct() { w.buf = append(w.buf, majorMap<<5|infoIndefinite) }

// Name writes the name of a member.
func (w *Writer) Name(name string) {
	w.head(majorText, uint64(len(name)))
	w.buf = append(w.buf, name...)
}

// CloseStruct ends a map without a length.
func (w *Writer) CloseStruct() { w.buf = append(w.buf, byteBreak) }

// OpenList begins a list of n elements.
func (w *Writer) OpenList(n int) { w.head(majorList, uint64(n)) }

// Element has nothing to write.
func (w *Writer) Element() {}

// CloseList has nothing to write.
func (w *Writer) CloseList() {}

// OpenMap begins a map of n entries.
func (w *Writer) OpenMap(n int) { w.head(majorMap, uint64(n)) }

// Key writes a key.
func (w *Writer) Key(key string) { w.String(key) }

// CloseMap has nothing to write.
func (w *Writer) CloseMap() {}

// String writes a text. What is not UTF-8 becomes U+FFFD.
func (w *Writer) String(v string) {
	if !utf8.ValidString(v) {
		v = string([]rune(v))
	}
	w.Name(v)
}

// Int writes an integer.
func (w *Writer) Int(v int) { w.Long(int64(v)) }

// Long writes an integer.
func (w *Writer) Long(v int64) {
	if v < 0 {
		w.head(majorNegative, uint64(-1-v))
		return
	}
	w.head(majorUint, uint64(v))
}

// Double writes a floating-point number of 64 bits.
func (w *Writer) Double(v float64) {
	w.buf = binary.BigEndian.AppendUint64(append(w.buf, byteDouble), math.Float64bits(v))
}

// Bool writes a boolean.
func (w *Writer) Bool(v bool) {
	if v {
		w.buf = append(w.buf, byteTrue)
		return
	}
	w.buf = append(w.buf, byteFalse)
}

// Timestamp writes a time under tag 1: whole milliseconds, which is what clients of CBOR 1.1 insist on, or seconds, with
// a fraction if there is one.
func (w *Writer) Timestamp(v time.Time) {
	w.head(majorTag, 1)
	ms := v.UnixMilli()
	switch {
	case w.unit == Milliseconds:
		w.Long(ms)
	case ms%1000 == 0:
		w.Long(ms / 1000)
	default:
		w.Double(float64(ms) / 1000)
	}
}

// Blob writes a byte string.
func (w *Writer) Blob(v []byte) {
	w.head(majorBytes, uint64(len(v)))
	w.buf = append(w.buf, v...)
}
