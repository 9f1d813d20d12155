package aggregate

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/stream"
)

// The tests write the format with an encoder of their own, by hand from the published description.

func varint(n uint64) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// text is a length-delimited field, number a varint one.
func text(field byte, value string) []byte {
	return slices.Concat([]byte{field<<3 | 2}, varint(uint64(len(value))), []byte(value))
}

func number(field byte, value uint64) []byte { return append([]byte{field << 3}, varint(value)...) }

// sealed puts a message between magic and checksum.
func sealed(fields ...[]byte) []byte {
	message := slices.Concat(fields...)
	sum := md5.Sum(message)
	return slices.Concat([]byte{0xF3, 0x89, 0x9A, 0xC2}, message, sum[:])
}

func inner(fields ...[]byte) []byte { return text(3, string(slices.Concat(fields...))) }

func record(key, explicit, data string) Record {
	r := Record{PartitionKey: key, ExplicitHashKey: explicit, Hash: stream.HashOf(key), Data: []byte(data)}
	if explicit != "" {
		r.Hash, _ = stream.ParseHash(explicit)
	}
	return r
}

// Facts: 2.2.9.
func TestDecode(t *testing.T) {
	const last = "340282366920938463463374607431768211455"
	for name, c := range map[string]struct {
		payload []byte
		want    []Record // nil: not aggregated
	}{
		"one":           {sealed(text(1, "a"), inner(number(1, 0), text(3, "x"))), []Record{record("a", "", "x")}},
		"without data":  {sealed(text(1, "a"), inner(number(1, 0), text(3, ""))), []Record{record("a", "", "")}},
		"explicit hash": {sealed(text(1, "a"), text(2, "0"), text(2, last), inner(number(1, 0), number(2, 1), text(3, "x"))), []Record{record("a", last, "x")}},
		"shared keys, order kept": {
			sealed(text(1, "a"), text(1, "b"), inner(number(1, 1), text(3, "x")), inner(number(1, 0), text(3, "y")), inner(number(1, 1), text(3, "z"))),
			[]Record{record("b", "", "x"), record("a", "", "y"), record("b", "", "z")},
		},
		"tables behind the records": {sealed(inner(text(3, "x"), number(1, 0)), text(1, "a")), []Record{record("a", "", "x")}},
		"tags":                      {sealed(text(1, "a"), inner(number(1, 0), text(3, "x"), text(4, string(slices.Concat(text(1, "k"), text(2, "v")))))), []Record{record("a", "", "x")}},
		"unknown fields": {
			sealed(text(1, "a"), number(9, 7), text(10, "?"), []byte{11<<3 | 3, 12 << 3, 1, 11<<3 | 4}, []byte{13<<3 | 5, 1, 2, 3, 4}, inner(number(1, 0), text(3, "x"), number(9, 1))),
			[]Record{record("a", "", "x")},
		},
		"a field twice: the last counts": {sealed(text(1, "a"), text(1, "b"), inner(number(1, 0), number(1, 1), text(3, "x"), text(3, "y"))), []Record{record("b", "", "y")}},

		"nothing":             {nil, nil},
		"magic alone":         {[]byte{0xF3, 0x89, 0x9A, 0xC2}, nil},
		"no message":          {sealed(), nil},
		"no record":           {sealed(text(1, "a")), nil},
		"JSON":                {[]byte(`{"price":12}`), nil},
		"other magic":         {append([]byte{0xF3, 0x89, 0x9A, 0xC3}, sealed(text(1, "a"), inner(number(1, 0), text(3, "x")))[4:]...), nil},
		"checksum":            {append(sealed(text(1, "a"), inner(number(1, 0), text(3, "x"))), 0), nil},
		"no data":             {sealed(text(1, "a"), inner(number(1, 0))), nil},
		"no key":              {sealed(text(1, "a"), inner(text(3, "x"))), nil},
		"key beyond":          {sealed(text(1, "a"), inner(number(1, 1), text(3, "x"))), nil},
		"key far beyond":      {sealed(text(1, "a"), inner(number(1, math.MaxUint64), text(3, "x"))), nil},
		"hash beyond":         {sealed(text(1, "a"), text(2, "0"), inner(number(1, 0), number(2, 1), text(3, "x"))), nil},
		"hash key is none":    {sealed(text(1, "a"), text(2, "x"), inner(number(1, 0), text(3, "x"))), nil},
		"hash key is empty":   {sealed(text(1, "a"), text(2, ""), inner(number(1, 0), text(3, "x"))), nil},
		"hash key too large":  {sealed(text(1, "a"), text(2, "340282366920938463463374607431768211456"), inner(number(1, 0), text(3, "x"))), nil},
		"key is not UTF-8":    {sealed(text(1, "\xff"), inner(number(1, 0), text(3, "x"))), nil},
		"tag without key":     {sealed(text(1, "a"), inner(number(1, 0), text(3, "x"), text(4, ""))), nil},
		"cut":                 {sealed(text(1, "a"), inner(number(1, 0), text(3, "x"))[:4]), nil},
		"length beyond":       {sealed([]byte{1<<3 | 2}, varint(math.MaxUint64), []byte("a")), nil},
		"varint without end":  {sealed(bytes.Repeat([]byte{0x80}, 20)), nil},
		"end without a group": {sealed(text(1, "a"), inner(number(1, 0), text(3, "x")), []byte{5<<3 | 4}), nil},
		"field zero":          {sealed(text(1, "a"), inner(number(1, 0), text(3, "x")), []byte{0, 0}), nil},
		"deep groups":         {sealed(bytes.Repeat([]byte{5<<3 | 3}, 1<<20)), nil},
		"one bad among good":  {sealed(text(1, "a"), inner(number(1, 0), text(3, "x")), inner(number(1, 1), text(3, "y"))), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Decode(c.payload)
			if ok != (c.want != nil) || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v; want %+v", got, ok, c.want)
			}
		})
	}
}

// TestDecodeOfAWS decodes what AWS's own aggregator for Node.js (aws-kinesis-agg) made.
// Facts: 2.2.9.
func TestDecodeOfAWS(t *testing.T) {
	payload, err := hex.DecodeString("f3899ac20a01610a01620a08d0bad0bbd18ed18712013712273334303238323336363932303933383436333436333337343630373433313736383231313435351a0708001a036f6e651a09080110001a0374776f1a0708001a030001ff1a06080210011a00e04b6a1586516aff5d1d07b2aea3a982")
	if err != nil {
		t.Fatal(err)
	}
	want := []Record{
		record("a", "", "one"), record("b", "7", "two"), record("a", "", "\x00\x01\xff"),
		record("ключ", "340282366920938463463374607431768211455", ""),
	}
	if got, ok := Decode(payload); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, ok, want)
	}
}

// TestDecodeIsBounded decodes the payload that says most in the fewest bytes.
func TestDecodeIsBounded(t *testing.T) {
	payload := sealed(text(1, "a"), bytes.Repeat(inner(number(1, 0), text(3, "")), 100_000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if found, ok := Decode(payload); !ok || len(found) != 100_000 {
		t.Fatal(len(found), ok)
	}
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if limit := uint64(40 * len(payload)); allocated > limit {
		t.Errorf("%d bytes allocated for a payload of %d; at most %d are expected", allocated, len(payload), limit)
	}
}

func FuzzDecode(f *testing.F) {
	good := sealed(text(1, "a"), text(1, "b"), text(2, "7"), inner(number(1, 0), number(2, 0), text(3, "x")), inner(number(1, 1), text(3, "y"), text(4, string(text(1, "k")))))
	message := func(payload []byte) []byte { return payload[4 : len(payload)-md5.Size] }
	f.Add(message(good))
	f.Add(message(sealed(text(1, strings.Repeat("k", 300)), inner(number(1, 0), text(3, strings.Repeat("x", 300))), []byte{11<<3 | 3, 11<<3 | 4})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if found, ok := Decode(b); ok != (found != nil) {
			t.Fatal(found, ok)
		}
		payload := sealed(b)
		before := bytes.Clone(payload)
		found, ok := Decode(payload)
		if ok != (len(found) > 0) || !bytes.Equal(payload, before) {
			t.Fatal(found, ok)
		}
		size := 0
		for _, r := range found {
			size += len(r.PartitionKey) + len(r.ExplicitHashKey)
		}
		if size > 1<<20 {
			return // many records that share a long key
		}
		// What was understood is understood again when it is written plainly.
		var plain []byte
		for _, r := range found {
			plain = append(plain, text(1, r.PartitionKey)...)
			if r.ExplicitHashKey != "" {
				plain = append(plain, text(2, r.ExplicitHashKey)...)
			}
		}
		explicit := uint64(0)
		for i, r := range found {
			fields := slices.Concat(number(1, uint64(i)), text(3, string(r.Data)))
			if r.ExplicitHashKey != "" {
				fields = append(fields, number(2, explicit)...)
				explicit++
			}
			plain = append(plain, inner(fields)...)
		}
		if again, ok := Decode(sealed(plain)); ok != (len(found) > 0) || !reflect.DeepEqual(again, found) {
			t.Fatalf("%+v, then %+v", found, again)
		}
	})
}
