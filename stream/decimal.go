package stream

import (
	"math/bits"
	"strconv"
)

// uint192 is an unsigned integer of 192 bits: enough for a hash key (128 bits) and a sequence number (188 bits), and
// free of allocation where a general integer is not.
type uint192 struct{ hi, mid, lo uint64 }

// digitsPerWord is how many decimal digits fit a word: 10^19 < 2^64.
const (
	digitsPerWord = 19
	wordBase      = 10_000_000_000_000_000_000
)

// appendDecimal appends the number's decimal digits, without leading zeros.
func (n uint192) appendDecimal(dst []byte) []byte {
	var words [4]uint64 // base 10^19, least first; 2^192 has 58 digits
	last := 0
	hi, mid, lo := n.hi, n.mid, n.lo
	for i := range words {
		var r uint64
		hi, r = hi/wordBase, hi%wordBase
		mid, r = bits.Div64(r, mid, wordBase)
		lo, r = bits.Div64(r, lo, wordBase)
		words[i] = r
		if r != 0 {
			last = i
		}
	}
	dst = strconv.AppendUint(dst, words[last], 10)
	for i := last - 1; i >= 0; i-- {
		dst = appendPadded(dst, words[i])
	}
	return dst
}

// appendPadded appends the word's digits, filled up with zeros to digitsPerWord.
func appendPadded(dst []byte, word uint64) []byte {
	var digits [digitsPerWord]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + word%10)
		word /= 10
	}
	return append(dst, digits[:]...)
}

// parseDecimal reads a canonical decimal number: digits without leading zeros, below 2^192.
func parseDecimal(s string) (n uint192, ok bool) {
	const most = 58 // digits of 2^192
	if !allDigits(s) || len(s) > most || s[0] == '0' && s != "0" {
		return uint192{}, false
	}
	for len(s) > 0 {
		size := min(len(s), digitsPerWord)
		word, err := strconv.ParseUint(s[:size], 10, 64)
		if err != nil {
			return uint192{}, false
		}
		scale := uint64(1)
		for range size {
			scale *= 10
		}
		var over bool
		if n, over = n.mulAdd(scale, word); over {
			return uint192{}, false
		}
		s = s[size:]
	}
	return n, true
}

// mulAdd returns n*factor + term, and whether that exceeds 192 bits.
func (n uint192) mulAdd(factor, term uint64) (uint192, bool) {
	carry := term
	step := func(word uint64) uint64 {
		high, low := bits.Mul64(word, factor)
		low, c := bits.Add64(low, carry, 0)
		carry = high + c // cannot overflow: high <= 2^64-2
		return low
	}
	lo := step(n.lo)
	mid := step(n.mid)
	hi := step(n.hi)
	return uint192{hi: hi, mid: mid, lo: lo}, carry != 0
}

func (n uint192) less(m uint192) bool { return n.compare(m) < 0 }

func (n uint192) compare(m uint192) int {
	_, borrow := bits.Sub64(n.lo, m.lo, 0)
	_, borrow = bits.Sub64(n.mid, m.mid, borrow)
	_, borrow = bits.Sub64(n.hi, m.hi, borrow)
	switch {
	case borrow != 0:
		return -1
	case n == m:
		return 0
	}
	return 1
}
