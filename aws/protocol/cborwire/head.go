package cborwire

import (
	"encoding/binary"
	"math"
)

// The major types.
const (
	majorUint byte = iota
	majorNegative
	majorBytes
	majorText
	majorList
	majorMap
	majorTag
	majorOther // floating-point numbers, booleans, null, and the break that ends what has no length
)

// Initial bytes that stand for a value by themselves.
const (
	byteFalse     = 0xf4
	byteTrue      = 0xf5
	byteNull      = 0xf6
	byteUndefined = 0xf7
	byteHalf      = 0xf9
	byteSingle    = 0xfa
	byteDouble    = 0xfb
	byteBreak     = 0xff
)

// indefinite is the additional information of a length that is not given, and the number of elements left in such a
// list or map.
const (
	infoIndefinite = 31
	indefinite     = -1
)

// argument reads the initial byte that comes next and its argument. It fails on those that are reserved, and when the
// document ends; for a length that is not given, ok is true and n is 0.
func (r *Reader) argument() (n uint64, ok bool) {
	if r.pos >= len(r.buf) {
		r.fail()
		return 0, false
	}
	info := r.buf[r.pos] & 31
	r.pos++
	if info < 24 {
		return uint64(info), true
	}
	if info == infoIndefinite {
		return 0, true
	}
	width := 1 << (info - 24)
	if info > 27 || len(r.buf)-r.pos < width {
		r.fail()
		return 0, false
	}
	at := r.buf[r.pos:]
	r.pos += width
	switch width {
	case 1:
		return uint64(at[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(at)), true
	case 4:
		return uint64(binary.BigEndian.Uint32(at)), true
	}
	return binary.BigEndian.Uint64(at), true
}

// half is the value of a floating-point number of 16 bits.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		v = math.Inf(1)
		if fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(fraction+1024, exponent-25)
	}
	if bits>>15 == 1 {
		return -v
	}
	return v
}
