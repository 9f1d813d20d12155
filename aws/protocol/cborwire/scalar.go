package cborwire

import (
	"math"
	"time"

	"github.com/millrace/millrace/aws/protocol/wire"
)

// kind is what the next value is, as far as a scalar cares.
type kind int

const (
	absent kind = iota // null, refused or malformed: the value has been read
	text               // these stand at the initial byte
	blob
	number
	boolean
)

// scalar looks at the next value. It reads nulls, and refuses lists and maps.
func (r *Reader) scalar() kind {
	c := r.peek()
	switch c >> 5 {
	case majorUint, majorNegative:
		return number
	case majorBytes:
		return blob
	case majorText:
		return text
	case majorList:
		r.refuse(wire.StartOfList)
		return absent
	case majorMap:
		r.refuse(wire.StartOfStructure)
		return absent
	}
	switch c {
	case byteHalf, byteSingle, byteDouble:
		return number
	case byteFalse, byteTrue:
		return boolean
	}
	r.skipOther(c)
	return absent
}

// classes are the classes of the kinds in offences.
var classes = map[kind]wire.Class{
	text: wire.ClassString, blob: wire.ClassBytes, number: wire.ClassNumber, boolean: wire.ClassBoolean,
}

// cannot refuses the value that comes next, of the kind given, because it is not what is wanted.
func (r *Reader) cannot(k kind, wanted wire.Type) {
	if k != absent {
		r.refuse(wire.Cannot(classes[k], wanted))
	}
}

// value is a number: an integer when whole, which may be of 65 bits, or the floating-point number f.
type value struct {
	whole    bool
	negative bool   // then it is -1 - n
	n        uint64 // of an integer
	f        float64
}

// number reads the number at whose initial byte the reader stands.
func (r *Reader) number() (v value, ok bool) {
	c := r.buf[r.pos]
	if c>>5 <= majorNegative && c&31 == infoIndefinite {
		r.fail()
		return v, false
	}
	n, ok := r.argument()
	switch c {
	case byteHalf:
		v.f = half(uint16(n))
	case byteSingle:
		v.f = float64(math.Float32frombits(uint32(n)))
	case byteDouble:
		v.f = math.Float64frombits(n)
	default:
		v.whole, v.negative, v.n = true, c>>5 == majorNegative, n
	}
	return v, ok
}

// clamp is the integer part of the number, held within the bounds.
func (v value) clamp(low, high int64) int64 {
	switch {
	case !v.whole:
		return wire.Truncate(v.f, low, high)
	case v.negative:
		return max(-1-int64(min(v.n, math.MaxInt64)), low)
	}
	return min(int64(min(v.n, math.MaxInt64)), high)
}

// double is the number as a fraction.
func (v value) double() float64 {
	switch {
	case !v.whole:
		return v.f
	case v.negative:
		return -1 - float64(v.n)
	}
	return float64(v.n)
}

// String reads a text; ok is false when the member is absent or refused.
func (r *Reader) String() (string, bool) {
	k := r.scalar()
	if k != text {
		r.cannot(k, wire.TypeString)
		return "", false
	}
	raw, ok := r.utf8()
	return r.text.String(raw, len(r.buf)-r.pos), ok
}

// Int reads an integer of 32 bits.
func (r *Reader) Int() (int, bool) {
	v, ok := r.numeric(wire.TypeInt)
	return int(v.clamp(math.MinInt32, math.MaxInt32)), ok
}

// Long reads an integer of 64 bits.
func (r *Reader) Long() (int64, bool) {
	v, ok := r.numeric(wire.TypeLong)
	return v.clamp(math.MinInt64, math.MaxInt64), ok
}

// Double reads a floating-point number. It may be infinite or not a number, which JSON has no way to say.
func (r *Reader) Double() (float64, bool) {
	v, ok := r.numeric(wire.TypeDouble)
	return v.double(), ok
}

func (r *Reader) numeric(wanted wire.Type) (value, bool) {
	k := r.scalar()
	if k != number {
		r.cannot(k, wanted)
		return value{}, false
	}
	return r.number()
}

// Bool reads a boolean; the texts that AWS takes for one are taken too.
func (r *Reader) Bool() (value, ok bool) {
	switch k := r.scalar(); k {
	case boolean:
		value = r.buf[r.pos] == byteTrue
		r.pos++
		return value, true
	case text:
		word, ok := r.utf8()
		if !ok {
			return false, false
		}
		value, offence := wire.ParseBool(string(word))
		if offence == "" {
			return value, true
		}
		r.Offend(offence)
	default:
		r.cannot(k, wire.TypeBool)
	}
	return false, false
}

// Timestamp reads a time since the epoch in the reader's unit, tagged or not.
func (r *Reader) Timestamp() (time.Time, bool) {
	v, ok := r.numeric(wire.TypeTimestamp)
	switch {
	case !ok:
		return time.Time{}, false
	case r.unit == Seconds:
		return wire.Moment(v.double() * 1000), true
	case v.whole:
		return wire.MomentMilli(v.clamp(math.MinInt64, math.MaxInt64)), true
	}
	return wire.Moment(v.f), true
}

// Blob reads a byte string, or base64 in a text, and returns bytes that are not nil when ok. They are the caller's.
func (r *Reader) Blob() ([]byte, bool) {
	k := r.scalar()
	var raw []byte
	var ok bool
	switch k {
	case blob:
		if raw, ok = r.pieces(majorBytes); !ok {
			return nil, false
		}
		if len(raw) == 0 {
			return []byte{}, true
		}
		copied := r.blobs.Take(len(raw), len(r.buf)-r.pos)
		copy(copied, raw)
		return copied, true
	case text:
		if raw, ok = r.utf8(); !ok {
			return nil, false
		}
		decoded, ok := wire.Base64(raw, &r.blobs, len(r.buf)-r.pos)
		if ok {
			return decoded, true
		}
		r.Offend(wire.NotBase64(raw))
		return nil, false
	}
	r.cannot(k, wire.TypeBlob)
	return nil, false
}
