package escape

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Len returns the length of the escape at the start of s, or 0 when it is not one.
func Len(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(s) < 6 || hex4(s[2:6]) < 0 {
			return 0
		}
		return 6
	}
	return 0
}

func hex4(s []byte) rune {
	var v rune
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		v = v<<4 | rune(c)
	}
	return v
}

// Undo appends the text of a string to dst, of which raw is what stands between the quotes and has valid escapes only. Half of a
// surrogate pair alone becomes U+FFFD.
func Undo(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		i += 2
		switch c = raw[i-1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			v := hex4(raw[i : i+4])
			i += 4
			if utf16.IsSurrogate(v) {
				low := rune(-1)
				if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low = hex4(raw[i+2 : i+6])
				}
				if v = utf16.DecodeRune(v, low); v != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, v)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
