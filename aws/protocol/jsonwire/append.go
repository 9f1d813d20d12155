package jsonwire

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/base64"
)

// AppendName appends a member name with its quotes and colon, after a comma if the object has members already.
// The name is written as it stands: it must need no escape.
func AppendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

const hexDigits = "0123456789abcdef"

// AppendString appends s in quotes. What is not UTF-8 becomes U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			v, n := utf8.DecodeRuneInString(s[i:])
			if v == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// AppendInt appends an integer of 32 bits.
func AppendInt(b []byte, v int) []byte { return strconv.AppendInt(b, int64(v), 10) }

// AppendLong appends an integer of 64 bits.
func AppendLong(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) }

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// AppendDouble appends a floating-point number in the shortest form. JSON has no infinities: they become the
// largest numbers, and what is not a number becomes 0.
func AppendDouble(b []byte, v float64) []byte {
	if v != v {
		v = 0
	}
	v = min(max(v, -math.MaxFloat64), math.MaxFloat64)
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// AppendTimestamp appends seconds since the epoch, with milliseconds when there are any.
func AppendTimestamp(b []byte, v time.Time) []byte {
	ms := v.UnixMilli()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	f := ms % 1000
	if f == 0 {
		return b
	}
	b = append(b, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// AppendBlob appends base64 in quotes.
func AppendBlob(b, v []byte) []byte {
	b = append(b, '"')
	b = base64.Append(b, v)
	return append(b, '"')
}
