package jsonwire

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestIsObject(t *testing.T) {
	for _, good := range []string{
		`{}`, " {\n\"a\" :\t1 , \"b\":[ ] }\r\n", `{"a":[1,[2,{}],null],"a":-0.5E+7}`, `{"\u0041":true}`, `{"é":"\ud800"}`,
	} {
		if !IsObject([]byte(good)) {
			t.Errorf("refused %s", good)
		}
	}
	for _, bad := range []string{
		``, ` `, `[]`, `null`, `1`, `"x"`, `{`, `{]`, `{}}`, `{} {}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`,
		`{a:1}`, `{'a':1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":1e}`, `{"a":-}`, `{"a":tru}`, `{"a":nul}`,
		`{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":"` + "\n" + `"}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\`, `{"a":"x`,
		"{\"a\":\"\xff\"}", "{\"\xff\":1}", "{\"a\":\"\\n\xff\"}", `{"a":"0123456` + "\x01" + `789"}`, "\ufeff{}",
		strings.Repeat(`{"a":`, maxDepth) + `{}` + strings.Repeat("}", maxDepth),
		`{"a":[` + strings.Repeat("1,", maxElements) + `1]}`,
	} {
		if IsObject([]byte(bad)) {
			t.Errorf("took %.40q", bad)
		}
	}
	if deep := strings.Repeat(`{"a":`, maxDepth-1) + `{}` + strings.Repeat("}", maxDepth-1); !IsObject([]byte(deep)) {
		t.Error("refused what is just deep enough")
	}
}

func TestIsNumber(t *testing.T) {
	for s, want := range map[string]bool{"0": true, "-1.5e+3": true, "": false, "1 ": false, " 1": false, "x": false, "0x1": false, "1e": false} {
		if IsNumber(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
}

// What is handed out must be a copy, or the next request would write over it.
func TestValuesAreCopies(t *testing.T) {
	buf := []byte(`{"a":"text","b":"YWJj","c":{"key":"value"}}`)
	r := NewReader(buf)
	var text string
	var blob []byte
	var dictionary map[string]string
	r.Struct()
	for name, ok := r.Member(); ok; name, ok = r.Member() {
		switch string(name) {
		case "a":
			text, _ = r.String()
		case "b":
			blob, _ = r.Blob()
		case "c":
			ScalarMap(r, &dictionary, (*Reader).String)
		}
	}
	clear(buf)
	if text != "text" || string(blob) != "abc" || dictionary["key"] != "value" {
		t.Error(text, blob, dictionary)
	}
	if blob = append(blob, '!'); len(blob) != 4 {
		t.Error("blob")
	}
}

func TestUnitLength(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "é": 1, "€": 1, "😀": 2, "a\xffb": 3} {
		if got := UnitLength(s); got != want {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func TestAppend(t *testing.T) {
	b := append([]byte(nil), '{')
	b = AppendString(AppendName(b, "s"), "a\"\\\n\r\t\x01é\u2028\xff")
	b = AppendInt(AppendName(b, "i"), -7)
	b = AppendDouble(AppendName(b, "d"), 1e-7)
	b = AppendDouble(AppendName(b, "e"), math.Inf(1))
	b = AppendDouble(AppendName(b, "n"), math.NaN())
	b = AppendBool(AppendName(b, "b"), true)
	b = AppendBlob(AppendName(b, "x"), []byte{0xff})
	b = AppendTimestamp(AppendName(b, "t"), time.UnixMilli(1500))
	b = AppendTimestamp(AppendName(b, "u"), time.UnixMilli(-1).Add(999*time.Microsecond))
	b = AppendTimestamp(AppendName(b, "v"), time.UnixMilli(1459799926005))
	b = AppendTimestamp(AppendName(b, "w"), time.UnixMilli(2000))
	b = AppendMap(AppendName(b, "m"), map[string][]string{"b": {}, "a": {"x"}}, AppendStrings)
	b = append(b, '}')
	if !json.Valid(b) {
		t.Errorf("%s", b)
	}
	for _, part := range []string{
		`{"s":"a\"\\\n\r\t\u0001é` + "\u2028\ufffd" + `","i":-7,"d":1e-07,"e":1.7976931348623157e+308,`, `"b":true,`,
		`"t":1.5,`, `"u":-0.001,`, `"v":1459799926.005,`, `"w":2,`, `"n":0,`, `"x":"/w=="`, `"m":{"a":["x"],"b":[]}}`,
	} {
		if !bytes.Contains(b, []byte(part)) {
			t.Errorf("no %s in %s", part, b)
		}
	}
}

// FuzzReader compares the reader with encoding/json on what is JSON, and lets every method loose on everything.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,"x",true,null,{"b":"YWJj"}],"c":-1.5e3}`, `{"a":"\ud83d\ude00\n"}`, `{"":{"":[[[]]]}}`, `{"a":"`, `{"a":1e999}`,
	} {
		f.Add([]byte(seed), uint64(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, choice uint64) {
		trimmed := bytes.TrimLeft(text, " \t\r\n")
		want := json.Valid(text) && utf8.Valid(text) && len(trimmed) > 0 && trimmed[0] == '{'
		if got := IsObject(text); got != want && len(text) < maxDepth {
			t.Fatalf("IsObject is %t", got)
		}
		r := NewReader(text)
		if r.Struct() {
			for _, ok := r.Member(); ok; _, ok = r.Member() {
				wander(r, &choice)
			}
		}
		r.End()
		if r.Malformed() == want && len(text) < maxDepth {
			t.Fatalf("malformed is %t", r.Malformed())
		}
	})
}

// wander reads the next value as whatever the choice says, which should never matter to where it ends.
func wander(r *Reader, choice *uint64) {
	what := *choice % 10
	*choice = *choice/10 + what<<40
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
	default:
		r.Skip()
	}
}

// FuzzString checks that what is written is read back, whatever it is.
func FuzzString(f *testing.F) {
	f.Add("a\x00\"\\é😀\u2028", []byte("abc"))
	f.Fuzz(func(t *testing.T, text string, blob []byte) {
		b := AppendString(AppendName([]byte{'{'}, "a"), text)
		b = AppendBlob(AppendName(b, "b"), blob)
		b = append(b, '}')
		var decoded struct {
			A string
			B []byte
		}
		if err := json.Unmarshal(b, &decoded); err != nil {
			t.Fatal(err)
		}
		r := NewReader(b)
		r.Struct()
		r.Member()
		s, _ := r.String()
		r.Member()
		x, ok := r.Blob()
		if s != decoded.A || s != strings.ToValidUTF8(s, "?") || !ok || !bytes.Equal(x, blob) || r.Malformed() {
			t.Fatalf("%q %q", s, decoded.A)
		}
	})
}
