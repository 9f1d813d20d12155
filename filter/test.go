package filter

import (
	"bytes"
	"net/netip"
	"unicode/utf8"
)

// scalar is a leaf of a payload: a string without its quotes and escapes, or a number or word as it is written.
type scalar struct {
	kind kind
	text []byte
}

type kind byte

const (
	kindString kind = iota
	kindNumber
	kindWord // true, false, null
)

// test is one comparison with a leaf.
type test interface {
	matches(v scalar) bool
}

// literal is equality: of strings, or of the text of numbers and words.
type literal scalar

func (t literal) matches(v scalar) bool { return v.kind == t.kind && bytes.Equal(v.text, t.text) }

// anything is {"exists": true}.
type anything struct{}

func (anything) matches(scalar) bool { return true }

// missing is {"exists": false}, which no leaf matches.
type missing struct{}

func (missing) matches(scalar) bool { return false }

// fold is equality of strings whose letters may differ in case.
type fold struct{ text []byte }

func (t fold) matches(v scalar) bool { return v.kind == kindString && bytes.EqualFold(v.text, t.text) }

// affix is what a string begins or ends with.
type affix struct {
	text        []byte
	atEnd, fold bool
}

func (t affix) matches(v scalar) bool {
	switch {
	case v.kind != kindString:
		return false
	case t.fold:
		end, ok := cut(v.text, utf8.RuneCount(t.text), t.atEnd)
		return ok && bytes.EqualFold(end, t.text)
	case t.atEnd:
		return bytes.HasSuffix(v.text, t.text)
	}
	return bytes.HasPrefix(v.text, t.text)
}

// cut returns the first or last n characters of a text, if there are so many. Letters that differ in case may differ in
// their number of bytes, but not in that of characters.
func cut(text []byte, n int, atEnd bool) ([]byte, bool) {
	at := 0
	for ; n > 0; n-- {
		if at == len(text) {
			return nil, false
		}
		if atEnd {
			_, width := utf8.DecodeLastRune(text[:len(text)-at])
			at += width
		} else {
			_, width := utf8.DecodeRune(text[at:])
			at += width
		}
	}
	if atEnd {
		return text[len(text)-at:], true
	}
	return text[:at], true
}

// cidr is a block of IP addresses that a string is one of.
type cidr struct{ prefix netip.Prefix }

func (t cidr) matches(v scalar) bool {
	const longest = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")
	if v.kind != kindString || len(v.text) > longest {
		return false
	}
	address, err := netip.ParseAddr(string(v.text))
	return err == nil && t.prefix.Contains(address)
}

// but is anything-but: a leaf that none of the tests matches.
type but struct{ tests []test }

func (t but) matches(v scalar) bool {
	for _, other := range t.tests {
		if other.matches(v) {
			return false
		}
	}
	return true
}
