package cborwire

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/protocol/wire"
)

// raw is the document that stands in hexadecimal digits, with spaces.
func raw(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func isMap(b []byte) bool { return wire.IsStruct(NewReader(b, Milliseconds)) }

func TestMaps(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("a16161", n) + "a0" }
	for _, good := range []string{
		"a0", "bfff", "a1 6161 01", "bf 6161 01 ff", "a1 60 f6", "a1 6161 f7", "d9d9f7 a0", "a1 6161 c1 c1 01",
		"a1 7f 6161 6162 ff 01", "a1 6161 5f 41 00 40 ff", "a1 6161 7fff", "a1 6161 7f 61c3 61a9 ff", "a1 6161 9f 01 f6 80 ff",
		"a1 6161 f90000", "a1 6161 fa00000000", "a1 6161 fb0000000000000000", "a1 6161 3bffffffffffffffff",
		"b8 01 7801 61 1b0000000000000001", "bb 0000000000000000", deep(wire.MaxDepth - 1),
	} {
		if !isMap(raw(t, good)) {
			t.Errorf("refused %.60s", good)
		}
	}
	for _, bad := range []string{
		"", "80", "f6", "01", "6161", "a1", "a1 6161", "a1 01 01", "a1 4161 01", "a0 00", "bf", "bf 6161", "bf 6161 ff", "ff", "c1", "df 01",
		"a1 6161 ff", "a1 6161 1f", "a1 6161 3f", "a1 6161 1c", "a1 6161 fc", "a1 6161 f8 20", "a1 6161 e0", "a1 6161 c1", "a1 6161 c1 ff",
		"a1 6161 61", "a1 6161 61ff", "a1 6161 7f 4161 ff", "a1 6161 7f 7fff ff", "a1 6161 5f 41", "a1 6161 5f", "a1 6161 7f 61c3 ff",
		"a1 6161 9f 01", "a1 6161 82 01", "a1 6161 9f c1 ff", "a1 6161 f900", "a1 6161 fa0000", "a1 6161 19 00", "a1 61ff 01",
		// Lengths that are lies.
		"bb ffffffffffffffff", "a1 6161 5b ffffffffffffffff", "a1 6161 5b 7fffffffffffffff 00", "a1 6161 9b ffffffffffffffff", "a1 6161 9a 0003ffff 01",
		deep(wire.MaxDepth), "a1 6161 9f" + strings.Repeat("01", wire.MaxElements) + "ff",
	} {
		if isMap(raw(t, bad)) {
			t.Errorf("took %.60s", bad)
		}
	}
}

// read reads {"a": digits} with one of the Reader's methods.
func read[T any](t *testing.T, unit Unit, digits string, method func(wire.Reader) (T, bool)) any {
	t.Helper()
	r := NewReader(raw(t, "a1 6161"+digits), unit)
	r.Struct()
	r.Member()
	v, ok := method(r)
	r.End()
	if r.Malformed() {
		return "malformed"
	}
	if offence, offended := r.Offence(); offended {
		return offence
	}
	if !ok {
		return nil
	}
	return v
}

func TestIntegers(t *testing.T) {
	for digits, want := range map[string]int64{
		"00": 0, "17": 23, "1818": 24, "1903e8": 1000, "1a000f4240": 1000000, "20": -1, "3863": -100, "1b7fffffffffffffff": math.MaxInt64,
		"1bffffffffffffffff": math.MaxInt64, "3b7fffffffffffffff": math.MinInt64, "3bffffffffffffffff": math.MinInt64,
		"f93e00": 1, "f9be00": -1, "f97c00": math.MaxInt64, "f9fc00": math.MinInt64, "f97e00": 0, "fb4202a05f20000000": 10000000000,
		"fa7f7fffff": math.MaxInt64, "c1 05": 5,
	} {
		if got := read(t, Milliseconds, digits, wire.Reader.Long); got != want {
			t.Errorf("%s: %v, want %d", digits, got, want)
		}
		if got := read(t, Milliseconds, digits, wire.Reader.Int); got != int(min(max(want, math.MinInt32), math.MaxInt32)) {
			t.Errorf("%s as an integer of 32 bits: %v", digits, got)
		}
	}
}

func TestDoubles(t *testing.T) {
	for digits, want := range map[string]float64{
		"f90000": 0, "f93c00": 1, "f93e00": 1.5, "f97bff": 65504, "f90001": 5.960464477539063e-8, "f90400": 0.00006103515625, "f9c400": -4,
		"fa47c35000": 100000, "fb3ff199999999999a": 1.1, "f97c00": math.Inf(1), "faff800000": math.Inf(-1), "05": 5, "24": -5,
		"1bffffffffffffffff": 1 << 64, "3bffffffffffffffff": -1 << 64,
	} {
		if got := read(t, Milliseconds, digits, wire.Reader.Double); got != want {
			t.Errorf("%s: %v, want %g", digits, got, want)
		}
	}
	if got, ok := read(t, Milliseconds, "f97e00", wire.Reader.Double).(float64); !ok || !math.IsNaN(got) {
		t.Errorf("what is not a number is %v", got)
	}
}

func TestTimestamps(t *testing.T) {
	at := func(ms int64) any { return time.UnixMilli(ms).UTC() }
	for _, row := range []struct {
		unit   Unit
		digits string
		want   any
	}{
		{Milliseconds, "c1 1b00000153e2db52f0", at(1459799937776)},
		{Milliseconds, "1b00000153e2db52f0", at(1459799937776)},
		{Milliseconds, "c1 fb42753e2db52f0000", at(1459799937776)},
		{Milliseconds, "20", at(-1)},
		{Milliseconds, "1bffffffffffffffff", at(8.64e15)},
		{Milliseconds, "fb7ff0000000000000", at(8.64e15)},
		{Milliseconds, "f97e00", at(0)},
		{Milliseconds, "6161", "class java.lang.String can not be converted to milliseconds since epoch"},
		{Seconds, "c1 1a514b67b0", at(1363896240000)},
		{Seconds, "c1 fb41d452d9ec200000", at(1363896240500)},
		{Seconds, "f93800", at(500)},
		{Seconds, "1bffffffffffffffff", at(8.64e15)},
	} {
		if got := read(t, row.unit, row.digits, wire.Reader.Timestamp); got != row.want {
			t.Errorf("%s: %v, want %v", row.digits, got, row.want)
		}
	}
}

func TestTextsAndBlobs(t *testing.T) {
	for digits, want := range map[string]any{
		"60": "", "62c3a9": "é", "7f 61c3 60 61a9 ff": "é", "f6": nil, "c4 6161": "a",
		"4161": "class java.nio.HeapByteBuffer can not be converted to an String",
	} {
		if got := read(t, Milliseconds, digits, wire.Reader.String); got != want {
			t.Errorf("%s: %v", digits, got)
		}
	}
	blob := func(r wire.Reader) (string, bool) {
		b, ok := r.Blob()
		if ok && b == nil {
			t.Error("a blob that is there is nil")
		}
		return string(b), ok
	}
	for digits, want := range map[string]any{
		"40": "", "4200ff": "\x00\xff", "5f 4100 40 42 01 02 ff": "\x00\x01\x02", "f7": nil, "d84041ff": "\xff",
		"64 59513d3d": "a", "60": "",
		"63 595122": "'YQ\"' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
	} {
		if got := read(t, Milliseconds, digits, blob); got != want {
			t.Errorf("%s: %q", digits, got)
		}
	}
}

// What is handed out must be a copy, or the next request would write over it.
func TestValuesAreCopies(t *testing.T) {
	buf := raw(t, "a4 6161 6474657874 6162 43616263 6163 7f 61 70 6571756f7465 ff 6164 5f 41 7a ff")
	r := NewReader(buf, Milliseconds)
	var values []string
	r.Struct()
	for name, ok := r.Member(); ok; name, ok = r.Member() {
		if string(name) == "a" || string(name) == "c" {
			s, _ := r.String()
			values = append(values, s)
			continue
		}
		b, _ := r.Blob()
		if b = append(b, '!'); string(b[len(b)-1:]) != "!" {
			t.Error("blob")
		}
		values = append(values, string(b))
	}
	clear(buf)
	clear(r.joined)
	if got := strings.Join(values, " "); got != "text abc! pquote z!" || r.Malformed() {
		t.Error(got)
	}
}

// FuzzReader compares the reader with another on what is CBOR, and lets every method loose on everything.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"a2 6161 85 01 6178 f5 f6 a1 6162 43616263 6163 f9be00", "bf 7f 6161 6162 ff 9f 5f 4101 ff c1 1b00000153e2db52f0 ff ff",
		"a1 6161 9bffffffffffffffff", "d9d9f7 a1 60 a1 60 818180", "a1 6161 7f61c361a9ff",
	} {
		f.Add(raw(f, seed), uint64(0))
	}
	other, err := cbor.DecOptions{MaxNestedLevels: 65535, MaxArrayElements: math.MaxInt32, MaxMapPairs: math.MaxInt32}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document []byte, choice uint64) {
		taken := isMap(document)
		if err := other.Wellformed(document); taken && err != nil {
			t.Fatalf("took what is not CBOR: %v", err)
		}
		for _, unit := range []Unit{Milliseconds, Seconds} {
			r := NewReader(document, unit)
			if r.Struct() {
				for _, ok := r.Member(); ok; _, ok = r.Member() {
					wander(r, &choice)
				}
			}
			r.End()
			if r.Malformed() == taken {
				t.Fatalf("malformed is %t", r.Malformed())
			}
		}
	})
}

// wander reads the next value as whatever the choice says, which should never matter to where it ends.
func wander(r *Reader, choice *uint64) {
	what := *choice % 11
	*choice = *choice/11 + what<<40
	switch what {
	case 0:
		r.String()
	case 1:
		r.Int()
	case 2:
		r.Blob()
	case 3:
		r.Timestamp()
	case 4:
		r.Bool()
	case 5:
		r.Double()
	case 6:
		if r.List() {
			for r.Element() {
				wander(r, choice)
			}
		}
	case 7, 8:
		if r.Map() {
			for _, ok := r.Member(); ok; _, ok = r.Member() {
				wander(r, choice)
			}
		}
	case 9:
		if !r.Null() {
			r.Skip()
		}
	default:
		r.Skip()
	}
}

// FuzzRoundTrip checks that what is written is read back, by this reader and by another.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a\x00é😀\xff", []byte("abc"), int64(-1), 1.5, int64(1459799937776))
	f.Add("", []byte{}, int64(math.MinInt64), math.Inf(-1), int64(-8640000000000001))
	f.Fuzz(func(t *testing.T, text string, blob []byte, whole int64, fraction float64, ms int64) {
		w := NewWriter(nil, Milliseconds)
		w.OpenStruct()
		w.Name("list")
		wire.WriteStrings(w, []string{text, text})
		w.Name("map")
		wire.WriteMap(w, map[string]int64{text: whole}, wire.Writer.Long)
		w.Name("blob")
		w.Blob(blob)
		w.Name("fraction")
		w.Double(fraction)
		w.Name("time")
		w.Timestamp(time.UnixMilli(ms))
		w.CloseStruct()

		clean := string([]rune(text))
		var decoded struct {
			List     []string         `cbor:"list"`
			Map      map[string]int64 `cbor:"map"`
			Blob     []byte           `cbor:"blob"`
			Fraction float64          `cbor:"fraction"`
			Time     cbor.RawTag      `cbor:"time"`
		}
		if err := cbor.Unmarshal(w.Bytes(), &decoded); err != nil {
			t.Fatal(err)
		}
		if len(decoded.List) != 2 || decoded.List[1] != clean || decoded.Map[clean] != whole || !bytes.Equal(decoded.Blob, blob) ||
			math.Float64bits(decoded.Fraction) != math.Float64bits(fraction) && !math.IsNaN(fraction) || decoded.Time.Number != 1 {
			t.Fatalf("%x is read as %+v", w.Bytes(), decoded)
		}

		r := NewReader(w.Bytes(), Milliseconds)
		var list []string
		var dictionary map[string]int64
		r.Struct()
		r.Member()
		wire.ReadScalars(r, &list, wire.Reader.String)
		r.Member()
		wire.ReadScalarMap(r, &dictionary, wire.Reader.Long)
		r.Member()
		b, _ := r.Blob()
		r.Member()
		d, _ := r.Double()
		r.Member()
		at, _ := r.Timestamp()
		r.Member()
		r.End()
		if r.Malformed() || len(list) != 2 || list[0] != clean || dictionary[clean] != whole || !bytes.Equal(b, blob) ||
			d != fraction && !math.IsNaN(fraction) || at.UnixMilli() != min(max(ms, -8.64e15), 8.64e15) {
			t.Fatalf("%x is read as %q %v %x %v %v", w.Bytes(), list, dictionary, b, d, at)
		}
	})
}
