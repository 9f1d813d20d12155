package stream

import "errors"

// ErrInvalidSequenceNumber says that a text is not a number that AWS could have given out.
var ErrInvalidSequenceNumber = errors.New("invalid sequence number")

// SequenceNumber is the number of a record as clients see it: decimal, of 56 digits today, rising within a shard. It
// encodes when its shard was created, the record's position and second of arrival, and the shard's index, so that it
// is read back without a look-up. The zero value is no number.
type SequenceNumber struct{ n uint192 }

// Origin is what a sequence number says about where it came from.
type Origin struct {
	// Version is that of the layout. Numbers given out today have 2; AWS gave out 1 and 0 long ago.
	Version int
	// Creation is when the shard was created, in seconds since 1970.
	Creation int64
	// Position is the record's place in the shard; 0 is the shard's start, MaxPosition its end. Versions 0 and 1 hold
	// none that means anything here.
	Position Position
	// Time is when the record arrived, in seconds since 1970. Version 0 has none.
	Time int64
	// Shard is the shard's index. In a number that was made up it may be negative.
	Shard int32
}

// The layout of version 2, from the top: 4 bits 2 | 36 creation | 4 low bits of the shard | 64 position | 8 zero |
// 36 time | 32 shard | 4 version. Written in base 16 each part is a row of digits.
const (
	sequenceVersion = 2
	secondsMask     = 1<<36 - 1
	// maxCreation is the first creation time, in seconds, that AWS takes for impossible.
	maxCreation = 16_025_175_000
)

var (
	bit124 = uint192{mid: 1 << 60}
	bit129 = uint192{hi: 1 << 1}
	bit185 = uint192{hi: 1 << 57}
	// end185 is 1.5 * 2^185: numbers of versions 1 and 2 begin with the digit 2.
	end185 = uint192{hi: 3 << 56}
)

// encodeSequence returns the number of version 2.
func encodeSequence(o Origin) SequenceNumber {
	shard, position := uint64(uint32(o.Shard)), uint64(o.Position)
	created, seconds := uint64(o.Creation)&secondsMask, uint64(o.Time)&secondsMask
	return SequenceNumber{uint192{
		hi:  2<<56 | created<<20 | (shard&0xf)<<16 | position>>48,
		mid: position<<16 | seconds>>28,
		lo:  seconds<<36 | shard<<4 | sequenceVersion,
	}}
}

// ParseSequenceNumber reads what a client sends as a sequence number. What AWS would not take is
// ErrInvalidSequenceNumber; which shard and stream a valid one names is for the caller to compare.
func ParseSequenceNumber(s string) (SequenceNumber, error) {
	n, ok := parseDecimal(s)
	if !ok {
		return SequenceNumber{}, ErrInvalidSequenceNumber
	}
	if n.less(bit124) { // AWS reads small numbers as version 0 without its leading digit
		n.mid += bit124.mid
	}
	number := SequenceNumber{n}
	if !number.valid() {
		return SequenceNumber{}, ErrInvalidSequenceNumber
	}
	return number, nil
}

func (s SequenceNumber) valid() bool {
	switch s.version() {
	case 0, 1:
	case 2:
		if s.n.hi>>15&1 != 0 { // the position's highest bit
			return false
		}
	default:
		return false
	}
	return s.Origin().Creation < maxCreation
}

// version returns the layout's version, or -1 when the number has none.
func (s SequenceNumber) version() int {
	switch {
	case s.n.less(bit129):
		return 0
	case bit185.less(s.n) && s.n.less(end185):
		if v := int(s.n.lo & 0xf); v == 1 || v == 2 {
			return v
		}
	}
	return -1
}

// Origin returns what the number encodes.
func (s SequenceNumber) Origin() Origin {
	n := s.n
	switch v := s.version(); v {
	case 2:
		return Origin{
			Version:  v,
			Creation: int64(n.hi >> 20 & secondsMask),
			Position: Position(n.hi<<48 | n.mid>>16),
			Time:     int64((n.mid<<28 | n.lo>>36) & secondsMask),
			Shard:    int32(uint32(n.lo >> 4)),
		}
	case 1: // 4 bits 2 | 36 creation | 4 shard | 8 | 36 time | 56 random | 8 index | 32 shard | 4 version
		return Origin{
			Version:  v,
			Creation: int64(n.hi >> 20 & secondsMask),
			Time:     int64((n.hi<<28 | n.mid>>36) & secondsMask),
			Shard:    int32(uint32(n.lo >> 4)),
		}
	default: // 4 bits 1 | 36 creation | 8 | 64 random | 16 shard; one with a longer first digit is read from its top
		if n.hi != 0 {
			n = uint192{mid: n.hi<<60 | n.mid>>4, lo: n.mid<<60 | n.lo>>4}
		}
		return Origin{Version: v, Creation: int64(n.mid >> 24 & secondsMask), Shard: int32(n.lo & 0xffff)}
	}
}

// IsZero reports whether s is no number.
func (s SequenceNumber) IsZero() bool { return s == SequenceNumber{} }

// Compare orders numbers as integers.
func (s SequenceNumber) Compare(o SequenceNumber) int { return s.n.compare(o.n) }

// AppendTo appends the decimal form.
func (s SequenceNumber) AppendTo(dst []byte) []byte { return s.n.appendDecimal(dst) }

// String returns the decimal form.
func (s SequenceNumber) String() string { return string(s.AppendTo(make([]byte, 0, digitsPerWord*3))) }

// MarshalText writes the number as clients see it.
func (s SequenceNumber) MarshalText() ([]byte, error) { return s.AppendTo(nil), nil }

// UnmarshalText reads what a client sends as a sequence number.
func (s *SequenceNumber) UnmarshalText(text []byte) error {
	n, err := ParseSequenceNumber(string(text))
	*s = n
	return err
}
