package wire

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseBool reads the words that AWS takes for booleans; for any other, offence is not empty.
func ParseBool(word string) (value bool, offence string) {
	word = strings.ToUpper(word)
	switch word {
	case "TRUE", "YES", "1":
		return true, ""
	case "FALSE", "NO", "0":
		return false, ""
	}
	return false, "'" + word + "' can not be converted to " + string(TypeBool)
}

var strictBase64 = base64.StdEncoding.Strict()

// Base64 decodes raw into a slice that room gives for the size asked. For what is not base64, offence is not empty.
func Base64(raw []byte, room func(size int) []byte) (blob []byte, offence string) {
	if len(raw) == 0 {
		return []byte{}, ""
	}
	if len(raw)%4 == 0 {
		size := len(raw) / 4 * 3
		if raw[len(raw)-1] == '=' {
			size--
		}
		if raw[len(raw)-2] == '=' {
			size--
		}
		blob := room(size)
		// The decoder passes over line ends, which AWS does not: the length shows it.
		if n, err := strictBase64.Decode(blob, raw); err == nil && n == size {
			return blob, ""
		}
	}
	return nil, "'" + string(raw) + "' can not be converted to " + string(TypeBlob) + ": " + base64Fault(string(raw))
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

// UnitLength returns the number of UTF-16 units in s, which is how AWS counts the length of a string.
func UnitLength(s string) int {
	n := len(s)
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			n = 0
			for _, c := range s {
				n += max(utf16.RuneLen(c), 1)
			}
			return n
		}
	}
	return n
}
