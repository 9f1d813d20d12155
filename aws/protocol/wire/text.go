package wire

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/base64"
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

// Base64 decodes raw into a slice cut from a chunk; left is that of Chunk.Take. It is not nil when ok.
func Base64(raw []byte, from *Chunk, left int) (blob []byte, ok bool) {
	size, ok := base64.DecodedLen(raw)
	if !ok {
		return nil, false
	}
	if size == 0 {
		return []byte{}, len(raw) == 0
	}
	blob = from.Take(size, left)
	return blob, base64.Decode(blob, raw)
}

// NotBase64 is the offence of a text that is not base64.
func NotBase64(raw []byte) string {
	return "'" + string(raw) + "' can not be converted to " + string(TypeBlob) + ": " + base64Fault(string(raw))
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
