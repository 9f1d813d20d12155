package jsonwire

import (
	"encoding/binary"
	"unicode/utf8"
)

// clean reports whether s is UTF-8 without control characters. Eight bytes are looked at at a time, since most of
// a big request is one long run of base64.
func clean(s []byte) bool {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	rest := s
	for len(rest) >= 8 {
		x := binary.LittleEndian.Uint64(rest)
		// The first term finds bytes below 0x20 (and may find some above 0x7f), the second those above 0x7f.
		if ((x-ones*0x20)|x)&tops != 0 {
			break
		}
		rest = rest[8:]
	}
	ascii := true
	for _, c := range rest {
		if c < 0x20 {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.Valid(rest)
}
