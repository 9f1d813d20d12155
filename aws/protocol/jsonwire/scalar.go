package jsonwire

import (
	"bytes"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/millrace/millrace/aws/protocol/wire"
	"github.com/millrace/millrace/internal/escape"
)

// kind is what the next value is, as far as a scalar cares.
type kind int

const (
	absent  kind = iota // null, refused or malformed: the value has been read
	text                // stands at the opening quote
	number              // stands at the first character
	boolean             // stands at the first character
)

// scalar looks at the next value. It reads nulls, and refuses lists and objects.
func (r *Reader) scalar() kind {
	switch c := r.peek(); {
	case c == '"':
		return text
	case c == 't' || c == 'f':
		return boolean
	case c == '-' || '0' <= c && c <= '9':
		return number
	case c == 'n':
		r.literal("null")
	case c == '[':
		r.refuse(wire.StartOfList)
	case c == '{':
		r.refuse(wire.StartOfStructure)
	default:
		r.fail()
	}
	return absent
}

// cannot refuses the value that comes next because its class is not what is wanted.
func (r *Reader) cannot(class wire.Class, wanted wire.Type) { r.refuse(wire.Cannot(class, wanted)) }

// String reads a string; ok is false when the member is absent or refused.
func (r *Reader) String() (s string, ok bool) {
	switch r.scalar() {
	case text:
		s = r.string()
		return s, !r.malformed
	case number:
		r.cannot(wire.ClassNumber, wire.TypeString)
	case boolean:
		r.cannot(wire.ClassBoolean, wire.TypeString)
	}
	return "", false
}

func (r *Reader) string() string {
	raw, plain := r.quoted()
	if !plain {
		return string(escape.Undo(make([]byte, 0, len(raw)), raw))
	}
	return r.text.String(raw, len(r.buf)-r.pos)
}

// Int reads an integer of 32 bits.
func (r *Reader) Int() (int, bool) {
	v, ok := r.integer(wire.TypeInt, math.MinInt32, math.MaxInt32)
	return int(v), ok
}

// Long reads an integer of 64 bits.
func (r *Reader) Long() (int64, bool) {
	return r.integer(wire.TypeLong, math.MinInt64, math.MaxInt64)
}

func (r *Reader) integer(wanted wire.Type, low, high int64) (int64, bool) {
	switch r.scalar() {
	case number:
		digits := r.number()
		return clampInteger(digits, low, high), !r.malformed
	case text:
		r.cannot(wire.ClassString, wanted)
	case boolean:
		r.cannot(wire.ClassBoolean, wanted)
	}
	return 0, false
}

// clampInteger is the integer part of a JSON number, held within the bounds.
func clampInteger(digits []byte, low, high int64) int64 {
	if v, err := strconv.ParseInt(unsafeString(digits), 10, 64); err == nil {
		return min(max(v, low), high)
	}
	f, _ := strconv.ParseFloat(unsafeString(digits), 64) // out of range gives an infinity, which is clamped
	return wire.Truncate(f, low, high)
}

// Double reads a floating-point number. Those that JSON has no form for come as strings.
func (r *Reader) Double() (float64, bool) {
	switch r.scalar() {
	case number:
		f, _ := strconv.ParseFloat(unsafeString(r.number()), 64)
		return min(max(f, -math.MaxFloat64), math.MaxFloat64), !r.malformed
	case text:
		switch r.string() {
		case "NaN":
			return math.NaN(), !r.malformed
		case "Infinity":
			return math.Inf(1), !r.malformed
		case "-Infinity":
			return math.Inf(-1), !r.malformed
		}
		if !r.malformed {
			r.Offend(wire.Cannot(wire.ClassString, wire.TypeDouble))
		}
	case boolean:
		r.cannot(wire.ClassBoolean, wire.TypeDouble)
	}
	return 0, false
}

// Bool reads a boolean; the strings that AWS takes for one are taken too.
func (r *Reader) Bool() (value, ok bool) {
	switch r.scalar() {
	case boolean:
		value = r.buf[r.pos] == 't'
		r.literal(strconv.FormatBool(value))
		return value, !r.malformed
	case number:
		r.cannot(wire.ClassNumber, wire.TypeBool)
	case text:
		value, offence := wire.ParseBool(r.string())
		if offence == "" || r.malformed {
			return value, !r.malformed
		}
		r.Offend(offence)
	}
	return false, false
}

// Timestamp reads seconds since the epoch, with a fraction of which milliseconds are kept.
func (r *Reader) Timestamp() (time.Time, bool) {
	switch r.scalar() {
	case number:
		f, _ := strconv.ParseFloat(unsafeString(r.number()), 64)
		return wire.Moment(f * 1000), !r.malformed
	case text:
		r.cannot(wire.ClassString, wire.TypeTimestamp)
	case boolean:
		r.cannot(wire.ClassBoolean, wire.TypeTimestamp)
	}
	return time.Time{}, false
}

// Blob reads base64 and returns the bytes, which are not nil when ok. They are the caller's.
func (r *Reader) Blob() (blob []byte, ok bool) {
	switch r.scalar() {
	case text:
		if blob, ok = r.plainBlob(); ok {
			return blob, true
		}
		raw, plain := r.quoted()
		if r.malformed {
			return nil, false
		}
		if !plain {
			raw = escape.Undo(make([]byte, 0, len(raw)), raw)
		}
		if blob, ok = wire.Base64(raw, &r.blobs, len(r.buf)-r.pos); ok {
			return blob, true
		}
		r.Offend(wire.NotBase64(raw))
	case number:
		r.cannot(wire.ClassNumber, wire.TypeBlob)
	case boolean:
		r.cannot(wire.ClassBoolean, wire.TypeBlob)
	}
	return nil, false
}

// plainBlob reads a string that is base64 as it stands. What is base64 has no escapes, and nothing that may not be in a
// string, so that nobody need look for them. Of any other string it reads nothing.
func (r *Reader) plainBlob() (blob []byte, ok bool) {
	raw := r.buf[r.pos+1:]
	end := bytes.IndexByte(raw, '"')
	if end < 0 {
		return nil, false
	}
	blob, ok = wire.Base64(raw[:end], &r.blobs, len(raw)-end-1)
	if ok {
		r.pos += end + 2
	}
	return blob, ok
}

// unsafeString views bytes as a string for a call that does not keep it.
func unsafeString(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
