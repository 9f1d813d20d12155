package jsonwire

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

const (
	startOfList      = "Start of list found where not expected"
	startOfStructure = "Start of structure or map found where not expected."
	classString      = "class java.lang.String"
	classBoolean     = "class java.lang.Boolean"
	classNumber      = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber"
)

// chunkBytes is the size of the chunks that short strings and blobs are cut from. It bounds how much memory a
// string that is kept for long can hold on to.
const chunkBytes = 16 << 10

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
		r.refuse(startOfList)
	case c == '{':
		r.refuse(startOfStructure)
	default:
		r.fail()
	}
	return absent
}

// cannot refuses the value that comes next because its class is not what is wanted.
func (r *Reader) cannot(class, wanted string) {
	r.refuse(class + " can not be converted to " + wanted)
}

// String reads a string; ok is false when the member is absent or refused.
func (r *Reader) String() (s string, ok bool) {
	switch r.scalar() {
	case text:
		s = r.string()
		return s, !r.malformed
	case number:
		r.cannot(classNumber, "an String")
	case boolean:
		r.cannot(classBoolean, "an String")
	}
	return "", false
}

func (r *Reader) string() string {
	raw, plain := r.quoted()
	if !plain {
		return string(unescape(make([]byte, 0, len(raw)), raw))
	}
	return r.keep(raw)
}

// keep copies raw into a string of its own.
func (r *Reader) keep(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	copied := take(&r.text, len(raw), len(r.buf)-r.pos)
	copy(copied, raw)
	return unsafe.String(&copied[0], len(copied))
}

// take cuts n bytes off the chunk; left is the number of bytes still to be read, beyond which a new chunk would be
// a waste.
func take(chunk *[]byte, n, left int) []byte {
	if n > chunkBytes/4 {
		return make([]byte, n)
	}
	if len(*chunk) < n {
		*chunk = make([]byte, max(n, min(chunkBytes, left/4)))
	}
	cut := (*chunk)[:n:n]
	*chunk = (*chunk)[n:]
	return cut
}

// Int reads an integer of 32 bits.
func (r *Reader) Int() (int, bool) {
	v, ok := r.integer("an Integer", math.MinInt32, math.MaxInt32)
	return int(v), ok
}

// Long reads an integer of 64 bits.
func (r *Reader) Long() (int64, bool) {
	return r.integer("an Long", math.MinInt64, math.MaxInt64)
}

func (r *Reader) integer(wanted string, low, high int64) (int64, bool) {
	switch r.scalar() {
	case number:
		digits := r.number()
		return clampInteger(digits, low, high), !r.malformed
	case text:
		r.cannot(classString, wanted)
	case boolean:
		r.cannot(classBoolean, wanted)
	}
	return 0, false
}

// clampInteger is the integer part of a JSON number, held within the bounds.
func clampInteger(digits []byte, low, high int64) int64 {
	if v, err := strconv.ParseInt(unsafeString(digits), 10, 64); err == nil {
		return min(max(v, low), high)
	}
	f, _ := strconv.ParseFloat(unsafeString(digits), 64) // out of range gives an infinity, which is clamped
	switch {
	case f >= float64(high):
		return high
	case f <= float64(low):
		return low
	}
	return int64(f)
}

// Double reads a floating-point number.
func (r *Reader) Double() (float64, bool) {
	switch r.scalar() {
	case number:
		f, _ := strconv.ParseFloat(unsafeString(r.number()), 64)
		return min(max(f, -math.MaxFloat64), math.MaxFloat64), !r.malformed
	case text:
		r.cannot(classString, "an Double")
	case boolean:
		r.cannot(classBoolean, "an Double")
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
		r.cannot(classNumber, "an Boolean")
	case text:
		word := strings.ToUpper(r.string())
		switch word {
		case "TRUE", "YES", "1":
			return true, true
		case "FALSE", "NO", "0":
			return false, true
		}
		if !r.malformed {
			r.Offend("'" + word + "' can not be converted to an Boolean")
		}
	}
	return false, false
}

// Timestamp reads seconds since the epoch, with a fraction of which milliseconds are kept.
func (r *Reader) Timestamp() (time.Time, bool) {
	const wanted = "milliseconds since epoch"
	switch r.scalar() {
	case number:
		f, _ := strconv.ParseFloat(unsafeString(r.number()), 64)
		// The bound is Java's and JavaScript's: a hundred million days from the epoch.
		ms := min(max(math.Round(f*1000), -8.64e15), 8.64e15)
		return time.UnixMilli(int64(ms)).UTC(), !r.malformed
	case text:
		r.cannot(classString, wanted)
	case boolean:
		r.cannot(classBoolean, wanted)
	}
	return time.Time{}, false
}

// Blob reads base64 and returns the bytes, which are not nil when ok. They are the caller's.
func (r *Reader) Blob() (blob []byte, ok bool) {
	switch r.scalar() {
	case text:
		raw, plain := r.quoted()
		if r.malformed {
			return nil, false
		}
		if !plain {
			raw = unescape(make([]byte, 0, len(raw)), raw)
		}
		return r.decode(raw)
	case number:
		r.cannot(classNumber, "a Blob")
	case boolean:
		r.cannot(classBoolean, "a Blob")
	}
	return nil, false
}

var strictBase64 = base64.StdEncoding.Strict()

func (r *Reader) decode(raw []byte) ([]byte, bool) {
	if len(raw)%4 == 0 && len(raw) > 0 {
		size := len(raw) / 4 * 3
		if raw[len(raw)-1] == '=' {
			size--
		}
		if raw[len(raw)-2] == '=' {
			size--
		}
		blob := take(&r.blobs, size, len(r.buf)-r.pos)
		// The decoder passes over line ends, which AWS does not: the length shows it.
		if n, err := strictBase64.Decode(blob, raw); err == nil && n == size {
			return blob, true
		}
	}
	if len(raw) == 0 {
		return []byte{}, true
	}
	r.Offend("'" + string(raw) + "' can not be converted to a Blob: " + base64Fault(string(raw)))
	return nil, false
}

// base64Fault says what AWS finds wrong with a string that is not base64.
func base64Fault(s string) string {
	if n := UnitLength(s); n%4 != 0 {
		return fmt.Sprintf("Base64 encoded length is expected a multiple of 4 bytes but found: %d", n)
	}
	padded := false
	for _, c := range s {
		switch {
		case c == '=':
			padded = true
		case padded:
			return "Invalid Base64 character: '='"
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '+', c == '/':
		default:
			return "Invalid Base64 character: '" + string(c) + "'"
		}
	}
	if strings.HasSuffix(s, "===") {
		return "Invalid Base64 character: '='"
	}
	return "Invalid last non-pad Base64 character dectected" // AWS's spelling
}

// unsafeString views bytes as a string for a call that does not keep it.
func unsafeString(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
