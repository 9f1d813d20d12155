package base64

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// The standard library encodes three bytes at a time with a look-up for each character; here a look-up gives two
// characters, and a step takes six bytes from one word and leaves eight in another.

// pairs has the two characters of every 12 bits, the first in the low byte.
var pairs = func() (p [1 << 12]uint16) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range p {
		p[i] = uint16(alphabet[i>>6]) | uint16(alphabet[i&63])<<8
	}
	return p
}()

// Append appends what base64.StdEncoding.AppendEncode does.
func Append(b, v []byte) []byte {
	n := base64.StdEncoding.EncodedLen(len(v))
	b = slices.Grow(b, n)
	out := b[len(b) : len(b)+n]
	for len(v) >= 8 {
		x := binary.BigEndian.Uint64(v)
		binary.LittleEndian.PutUint64(out, uint64(pairs[x>>52])|uint64(pairs[x>>40&0xfff])<<16|
			uint64(pairs[x>>28&0xfff])<<32|uint64(pairs[x>>16&0xfff])<<48)
		v, out = v[6:], out[8:]
	}
	base64.StdEncoding.Encode(out, v)
	return b[:len(b)+n]
}

// EncodedLen returns how many bytes Append adds for n.
func EncodedLen(n int) int { return base64.StdEncoding.EncodedLen(n) }
