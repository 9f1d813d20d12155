package query

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Open appends a start tag.
func Open(b []byte, name string) []byte {
	b = append(b, '<')
	b = append(b, name...)
	return append(b, '>')
}

// Shut appends an end tag.
func Shut(b []byte, name string) []byte {
	b = append(b, '<', '/')
	b = append(b, name...)
	return append(b, '>')
}

// AppendText appends s as character data. What XML cannot hold becomes U+FFFD.
func AppendText(b []byte, s string) []byte {
	for _, c := range s {
		switch {
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '"':
			b = append(b, "&quot;"...)
		case c == '\r':
			b = append(b, "&#xD;"...)
		case c < 0x20 && c != '\n' && c != '\t', c == 0xfffe, c == 0xffff:
			b = append(b, "\ufffd"...)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return b
}

// AppendString appends an element with text.
func AppendString(b []byte, name, v string) []byte {
	return Shut(AppendText(Open(b, name), v), name)
}

// AppendInt appends an element with an integer.
func AppendInt(b []byte, name string, v int) []byte { return AppendLong(b, name, int64(v)) }

// AppendLong appends an element with a long integer.
func AppendLong(b []byte, name string, v int64) []byte {
	return Shut(strconv.AppendInt(Open(b, name), v, 10), name)
}

// AppendBool appends an element with a boolean.
func AppendBool(b []byte, name string, v bool) []byte {
	return Shut(strconv.AppendBool(Open(b, name), v), name)
}

// AppendDouble appends an element with a floating-point number.
func AppendDouble(b []byte, name string, v float64) []byte {
	return Shut(strconv.AppendFloat(Open(b, name), v, 'g', -1, 64), name)
}

// AppendTimestamp appends an element with a time in ISO 8601, in UTC, to the millisecond.
func AppendTimestamp(b []byte, name string, v time.Time) []byte {
	return Shut(v.UTC().AppendFormat(Open(b, name), "2006-01-02T15:04:05.000Z"), name)
}

// AppendBlob appends an element with base64.
func AppendBlob(b []byte, name string, v []byte) []byte {
	return Shut(base64.StdEncoding.AppendEncode(Open(b, name), v), name)
}

// AppendStruct appends an element with a structure.
func AppendStruct[T any](b []byte, name string, v *T, members func(*T, []byte) []byte) []byte {
	return Shut(members(v, Open(b, name)), name)
}

// AppendScalars appends a flat list: an element for each.
func AppendScalars[T any](b []byte, name string, list []T, element func([]byte, string, T) []byte) []byte {
	for _, v := range list {
		b = element(b, name, v)
	}
	return b
}

// AppendStructs appends a flat list of structures.
func AppendStructs[T any](b []byte, name string, list []T, members func(*T, []byte) []byte) []byte {
	for i := range list {
		b = AppendStruct(b, name, &list[i], members)
	}
	return b
}

// AppendMap appends a flat map in the order of its keys; entry appends a value.
func AppendMap[T any](b []byte, name, key, value string, m map[string]T, entry func([]byte, string, T) []byte) []byte {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = AppendString(Open(b, name), key, k)
		b = Shut(entry(b, value, m[k]), name)
	}
	return b
}

// AppendStructMap appends a flat map of structures in the order of its keys.
func AppendStructMap[T any](b []byte, name, key, value string, m map[string]T, members func(*T, []byte) []byte) []byte {
	return AppendMap(b, name, key, value, m, func(b []byte, name string, v T) []byte {
		return AppendStruct(b, name, &v, members)
	})
}
