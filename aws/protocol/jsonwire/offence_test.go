package jsonwire

import (
	"testing"
	"time"

	"github.com/millrace/millrace/aws/protocol/wire"
)

const (
	noString    = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"
	noBoolean   = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an Boolean"
	noTime      = "class java.lang.String can not be converted to milliseconds since epoch"
	listHere    = "Start of list found where not expected"
	structHere  = "Start of structure or map found where not expected."
	badBase64   = " can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: "
	badCharWith = " can not be converted to a Blob: Invalid Base64 character: "
)

// The rows are those recorded from AWS, one for each kind of member and of value.
func TestOffences(t *testing.T) {
	readers := map[string]func(*Reader){
		"String":    func(r *Reader) { r.String() },
		"Integer":   func(r *Reader) { r.Int() },
		"Long":      func(r *Reader) { r.Long() },
		"Double":    func(r *Reader) { r.Double() },
		"Boolean":   func(r *Reader) { r.Bool() },
		"Blob":      func(r *Reader) { r.Blob() },
		"Timestamp": func(r *Reader) { r.Timestamp() },
		"List":      func(r *Reader) { var p []string; wire.ReadScalars(r, &p, wire.Reader.String) },
		"Map":       func(r *Reader) { var p map[string]string; wire.ReadScalarMap(r, &p, wire.Reader.String) },
		"Structure": func(r *Reader) {
			if r.Struct() {
				for _, ok := r.Member(); ok; _, ok = r.Member() {
					r.Skip()
				}
			}
		},
	}
	for _, row := range []struct{ wanted, value, offence string }{
		{"String", `"x"`, ""},
		{"String", `null`, ""},
		{"String", `true`, "class java.lang.Boolean can not be converted to an String"},
		{"String", `12`, noString},
		{"String", `-1.5e3`, noString},
		{"String", `["x"]`, listHere},
		{"String", `{"x":1}`, structHere},
		{"Integer", `1`, ""},
		{"Integer", `"1"`, "class java.lang.String can not be converted to an Integer"},
		{"Integer", `false`, "class java.lang.Boolean can not be converted to an Integer"},
		{"Integer", `[]`, listHere},
		{"Integer", `{}`, structHere},
		{"Long", `1`, ""},
		{"Long", `"1"`, "class java.lang.String can not be converted to an Long"},
		{"Long", `true`, "class java.lang.Boolean can not be converted to an Long"},
		{"Double", `"1"`, "class java.lang.String can not be converted to an Double"},
		{"Double", `true`, "class java.lang.Boolean can not be converted to an Double"},
		{"Boolean", `true`, ""},
		{"Boolean", `"yes"`, ""},
		{"Boolean", `"False"`, ""},
		{"Boolean", `"0"`, ""},
		{"Boolean", `1`, noBoolean},
		{"Boolean", `"maybe"`, "'MAYBE' can not be converted to an Boolean"},
		{"Boolean", `[]`, listHere},
		{"Boolean", `{}`, structHere},
		{"Blob", `"YWJj"`, ""},
		{"Blob", `""`, ""},
		{"Blob", `true`, "class java.lang.Boolean can not be converted to a Blob"},
		{"Blob", `3`, "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to a Blob"},
		{"Blob", `"YWJ"`, "'YWJ'" + badBase64 + "3"},
		{"Blob", `"é"`, "'é'" + badBase64 + "1"},
		{"Blob", `"YW=j"`, "'YW=j'" + badCharWith + "'='"},
		{"Blob", `"===="`, "'===='" + badCharWith + "'='"},
		{"Blob", `"Y==="`, "'Y==='" + badCharWith + "'='"},
		{"Blob", `"YW.j"`, "'YW.j'" + badCharWith + "'.'"},
		{"Blob", `"YWJ\n"`, "'YWJ\n'" + badCharWith + "'\n'"},
		{"Blob", `"YW\r\nJjYWJj\r\n"`, "'YW\r\nJjYWJj\r\n'" + badCharWith + "'\r'"},
		{"Blob", `"YWJh\nYWJh\nAA="`, "'YWJh\nYWJh\nAA='" + badBase64 + "13"},
		{"Blob", `"YR=="`, "'YR==' can not be converted to a Blob: Invalid last non-pad Base64 character dectected"},
		{"Blob", `[]`, listHere},
		{"Blob", `{}`, structHere},
		{"Timestamp", `1459799926.480`, ""},
		{"Timestamp", `"2016-04-04"`, noTime},
		{"Timestamp", `true`, "class java.lang.Boolean can not be converted to milliseconds since epoch"},
		{"Timestamp", `[1]`, listHere},
		{"Timestamp", `{}`, structHere},
		{"List", `[]`, ""},
		{"List", `null`, ""},
		{"List", `"x"`, "Expected list or null"},
		{"List", `1`, "Expected list or null"},
		{"List", `true`, "Expected list or null"},
		{"List", `{}`, structHere},
		{"List", `["a",true]`, "class java.lang.Boolean can not be converted to an String"},
		{"List", `["a",["b"]]`, listHere},
		{"Map", `{}`, ""},
		{"Map", `"x"`, "Expected map or null"},
		{"Map", `1`, "Expected map or null"},
		{"Map", `[]`, listHere},
		{"Map", `{"a":{"b":"c"}}`, structHere},
		{"Structure", `{}`, ""},
		{"Structure", `null`, ""},
		{"Structure", `"x"`, "Expected null"},
		{"Structure", `1`, "Expected null"},
		{"Structure", `true`, "Expected null"},
		{"Structure", `[]`, listHere},
	} {
		r := NewReader([]byte(`{"a":` + row.value + `,"b":"after"}`))
		read, after := member(r, readers[row.wanted])
		offence, offended := r.Offence()
		if !read || after != "after" || r.Malformed() {
			t.Errorf("%s from %s: reading did not go on", row.wanted, row.value)
		}
		if offence != row.offence || offended != (row.offence != "") {
			t.Errorf("%s from %s\n got %q\nwant %q", row.wanted, row.value, offence, row.offence)
		}
	}
}

// member reads {"a": <with read>, "b": <string>}.
func member(r *Reader, read func(*Reader)) (done bool, after string) {
	if !r.Struct() {
		return false, ""
	}
	for name, ok := r.Member(); ok; name, ok = r.Member() {
		if string(name) == "a" {
			read(r)
			done = true
			continue
		}
		after, _ = r.String()
	}
	r.End()
	return done, after
}

func TestFirstOffenceStays(t *testing.T) {
	r := NewReader([]byte(`{"a":[1,true,{"x":1}],"b":2}`))
	member(r, func(r *Reader) { var p []string; wire.ReadScalars(r, &p, wire.Reader.String) })
	if got, _ := r.Offence(); got != noString {
		t.Error(got)
	}
}

func TestValues(t *testing.T) {
	for _, row := range []struct {
		value string
		read  func(*Reader) any
		want  any
	}{
		{`1.99`, anyOf((*Reader).Int), 1},
		{`-1.99`, anyOf((*Reader).Int), -1},
		{`-0`, anyOf((*Reader).Int), 0},
		{`1e2`, anyOf((*Reader).Int), 100},
		{`1e400`, anyOf((*Reader).Int), 2147483647},
		{`2147483648`, anyOf((*Reader).Int), 2147483647},
		{`-2147483649`, anyOf((*Reader).Int), -2147483648},
		{`9223372036854775807`, anyOf((*Reader).Long), int64(9223372036854775807)},
		{`9223372036854775808`, anyOf((*Reader).Long), int64(9223372036854775807)},
		{`-1e30`, anyOf((*Reader).Long), int64(-9223372036854775808)},
		{`0.5`, anyOf((*Reader).Double), 0.5},
		{`1e999`, anyOf((*Reader).Double), 1.7976931348623157e308},
		{`"no"`, anyOf((*Reader).Bool), false},
		{`"TRUE"`, anyOf((*Reader).Bool), true},
		{`1459799926.4804`, anyOf((*Reader).Timestamp), time.UnixMilli(1459799926480).UTC()},
		{`1.4597999264805e9`, anyOf((*Reader).Timestamp), time.UnixMilli(1459799926481).UTC()},
		{`-0.5`, anyOf((*Reader).Timestamp), time.UnixMilli(-500).UTC()},
		{`1e300`, anyOf((*Reader).Timestamp), time.UnixMilli(8.64e15).UTC()},
		{`"\ud800"`, anyOf((*Reader).String), "\ufffd"},
		{`"\ud800\u0041"`, anyOf((*Reader).String), "\ufffdA"},
		{`"\uD83D\uDE00"`, anyOf((*Reader).String), "😀"},
		{`"\/\b\f\n\r\t\\\""`, anyOf((*Reader).String), "/\b\f\n\r\t\\\""},
		{`""`, anyOf((*Reader).String), ""},
	} {
		r := NewReader([]byte(`{"a":` + row.value + `}`))
		var got any
		member(r, func(r *Reader) { got = row.read(r) })
		if got != row.want || r.Malformed() {
			t.Errorf("%s: got %v, want %v", row.value, got, row.want)
		}
	}
}

func anyOf[T any](read func(*Reader) (T, bool)) func(*Reader) any {
	return func(r *Reader) any {
		v, ok := read(r)
		if !ok {
			return nil
		}
		return v
	}
}
