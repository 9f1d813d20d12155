package jsonwire

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/aws/protocol/wire"
)

func isObject(text []byte) bool { return wire.IsStruct(NewReader(text)) }

func TestObjects(t *testing.T) {
	for _, good := range []string{
		`{}`, " {\n\"a\" :\t1 , \"b\":[ ] }\r\n", `{"a":[1,[2,{}],null],"a":-0.5E+7}`, `{"\u0041":true}`, `{"é":"\ud800"}`,
	} {
		if !isObject([]byte(good)) {
			t.Errorf("refused %s", good)
		}
	}
	for _, bad := range []string{
		``, ` `, `[]`, `null`, `1`, `"x"`, `{`, `{]`, `{}}`, `{} {}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`,
		`{a:1}`, `{'a':1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":1e}`, `{"a":-}`, `{"a":tru}`, `{"a":nul}`,
		`{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":"` + "\n" + `"}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\`, `{"a":"x`,
		"{\"a\":\"\xff\"}", "{\"\xff\":1}", "{\"a\":\"\\n\xff\"}", `{"a":"0123456` + "\x01" + `789"}`, "\ufeff{}",
		strings.Repeat(`{"a":`, wire.MaxDepth) + `{}` + strings.Repeat("}", wire.MaxDepth),
		`{"a":[` + strings.Repeat("1,", wire.MaxElements) + `1]}`,
	} {
		if isObject([]byte(bad)) {
			t.Errorf("took %.40q", bad)
		}
	}
	if deep := strings.Repeat(`{"a":`, wire.MaxDepth-1) + `{}` + strings.Repeat("}", wire.MaxDepth-1); !isObject([]byte(deep)) {
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
			wire.ReadScalarMap(r, &dictionary, wire.Reader.String)
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

func TestWriter(t *testing.T) {
	w := NewWriter(nil)
	w.OpenStruct()
	w.Name("s")
	w.String("a\"\\\n\r\t\x01é\u2028\xff")
	w.Name("i")
	w.Int(-7)
	for name, v := range map[string]float64{"d": 1e-7, "e": math.Inf(1), "n": math.NaN()} {
		w.Name(name)
		w.Double(v)
	}
	w.Name("b")
	w.Bool(true)
	w.Name("x")
	w.Blob([]byte{0xff})
	for name, v := range map[string]time.Time{
		"t": time.UnixMilli(1500), "u": time.UnixMilli(-1).Add(999 * time.Microsecond),
		"v": time.UnixMilli(1459799926005), "w": time.UnixMilli(2000),
	} {
		w.Name(name)
		w.Timestamp(v)
	}
	w.Name("m")
	wire.WriteMap(w, map[string][]string{"b\"": {}, "a": {"x", "y"}}, wire.WriteStrings)
	w.CloseStruct()
	b := w.Bytes()
	if !json.Valid(b) {
		t.Errorf("%s", b)
	}
	for _, part := range []string{
		`{"s":"a\"\\\n\r\t\u0001é` + "\u2028\ufffd" + `","i":-7,`, `"d":1e-07`, `"e":1.7976931348623157e+308`, `"b":true,`,
		`"t":1.5`, `"u":-0.001`, `"v":1459799926.005`, `"w":2`, `"n":0`, `"x":"/w=="`, `"m":{"a":["x","y"],"b\"":[]}}`,
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
		if got := isObject(text); got != want && len(text) < wire.MaxDepth {
			t.Fatalf("an object: %t", got)
		}
		r := NewReader(text)
		if r.Struct() {
			for _, ok := r.Member(); ok; _, ok = r.Member() {
				wander(r, &choice)
			}
		}
		r.End()
		if r.Malformed() == want && len(text) < wire.MaxDepth {
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
