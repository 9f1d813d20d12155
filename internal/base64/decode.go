package base64

import (
	"encoding/base64"
	"encoding/binary"
)

// values has, for every two characters as they lie in memory, their 12 bits, and isPair if both are of the alphabet. Of its
// 128 KiB only the third is ever touched that lies between the alphabet's ends.
var values [1 << 16]uint16

func init() {
	for bits, pair := range pairs {
		values[pair] = uint16(bits) | isPair
	}
}

const isPair = 1 << 15

var strict = base64.StdEncoding.Strict()

// DecodedLen returns how many bytes Decode makes of some text, or false when its length is that of no base64.
func DecodedLen(text []byte) (n int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	if len(text)%4 != 0 {
		return 0, false
	}
	n = len(text) / 4 * 3
	if text[len(text)-1] == '=' {
		n--
	}
	if text[len(text)-2] == '=' {
		n--
	}
	return n, true
}

// Decode writes what the text stands for into dst, which has DecodedLen bytes, and reports whether the text is base64 to the
// letter: padded, without line ends, and with no bits left over.
func Decode(dst, text []byte) bool {
	// Eight bytes are written at a time, of which two are overwritten by the next ones.
	for len(dst) >= 8 {
		x := binary.LittleEndian.Uint64(text)
		a, b, c, d := values[uint16(x)], values[uint16(x>>16)], values[uint16(x>>32)], values[x>>48]
		if a&b&c&d&isPair == 0 {
			return false
		}
		binary.BigEndian.PutUint64(dst, uint64(a&^isPair)<<52|uint64(b&^isPair)<<40|uint64(c&^isPair)<<28|uint64(d&^isPair)<<16)
		dst, text = dst[6:], text[8:]
	}
	// The library passes over line ends: what is missing then shows it.
	n, err := strict.Decode(dst, text)
	return err == nil && n == len(dst)
}
