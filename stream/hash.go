package stream

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"math/bits"
)

// ErrHashRange says that a hash key is not a number from 0 to 2^128-1.
var ErrHashRange = errors.New("hash key out of range")

// Hash is a hash key: a number of 128 bits, big-endian.
type Hash [16]byte

// maxHash is 2^128-1, the end of the hash space.
var maxHash = hashOf128(^uint64(0), ^uint64(0))

// HashOf returns the hash key of a partition key: the MD5 of its bytes.
func HashOf(partitionKey string) Hash { return md5.Sum([]byte(partitionKey)) }

// ParseHash reads a decimal number; one that is no number or beyond 2^128-1 is ErrHashRange, and reads as 2^128-1.
func ParseHash(s string) (Hash, error) {
	n, ok := parseDecimal(s)
	if !ok || n.hi != 0 {
		return maxHash, ErrHashRange
	}
	return hashOf128(n.mid, n.lo), nil
}

// AppendTo appends the decimal form.
func (h Hash) AppendTo(dst []byte) []byte {
	hi, lo := h.words()
	return uint192{mid: hi, lo: lo}.appendDecimal(dst)
}

// String returns the decimal form.
func (h Hash) String() string { return string(h.AppendTo(make([]byte, 0, 39))) }

// Compare orders hash keys as numbers.
func (h Hash) Compare(o Hash) int { return bytes.Compare(h[:], o[:]) }

// before returns the key before h, which is not the first one.
func (h Hash) before() Hash {
	hi, lo := h.words()
	lo, borrow := bits.Sub64(lo, 1, 0)
	return hashOf128(hi-borrow, lo)
}

// after returns the key after h, which is not the last one.
func (h Hash) after() Hash {
	hi, lo := h.words()
	lo, carry := bits.Add64(lo, 1, 0)
	return hashOf128(hi+carry, lo)
}

func (h Hash) words() (hi, lo uint64) {
	return binary.BigEndian.Uint64(h[:8]), binary.BigEndian.Uint64(h[8:])
}

func hashOf128(hi, lo uint64) (h Hash) {
	binary.BigEndian.PutUint64(h[:8], hi)
	binary.BigEndian.PutUint64(h[8:], lo)
	return h
}

// HashRange is a piece of the hash space; both ends belong to it.
type HashRange struct{ Start, End Hash }

// Contains reports whether the key lies in the range.
func (r HashRange) Contains(h Hash) bool { return h.Compare(r.Start) >= 0 && h.Compare(r.End) <= 0 }

// middle returns the key that cuts the range into halves: the first of the upper one, which has one key less when
// their number is odd. A range of one key has none.
func (r HashRange) middle() (Hash, bool) {
	if r.Start == r.End {
		return Hash{}, false
	}
	startHi, startLo := r.Start.words()
	endHi, endLo := r.End.words()
	lo, borrow := bits.Sub64(endLo, startLo, 0)
	hi, _ := bits.Sub64(endHi, startHi, borrow)
	lo, hi = lo>>1|hi<<63, hi>>1
	lo, carry := bits.Add64(lo, startLo, 1)
	hi, _ = bits.Add64(hi, startHi, carry)
	return hashOf128(hi, lo), true
}

// evenRanges cuts the hash space into n ranges (n >= 1) as AWS does for a new stream: all have the width
// floor(2^128/n), and the last takes what is left over.
func evenRanges(n int) []HashRange {
	ranges := make([]HashRange, n)
	ranges[n-1].End = maxHash
	if n == 1 {
		return ranges
	}
	count := uint64(n)
	hi, r := bits.Div64(1, 0, count) // 2^128 / n, word by word; n >= 2, so that the quotient fits
	lo, _ := bits.Div64(r, 0, count)
	for i := 1; i < n; i++ {
		carry, startLo := bits.Mul64(lo, uint64(i))
		startHi := hi*uint64(i) + carry
		ranges[i].Start = hashOf128(startHi, startLo)
		endLo, borrow := bits.Sub64(startLo, 1, 0)
		ranges[i-1].End = hashOf128(startHi-borrow, endLo)
	}
	return ranges
}
