package cborwire

import (
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/protocol/jsonwire"
	"github.com/millrace/millrace/aws/protocol/wire"
)

// TestOffencesAreThoseOfJSON reads every kind of value as every kind of member, in both encodings.
func TestOffencesAreThoseOfJSON(t *testing.T) {
	methods := map[string]func(wire.Reader){
		"String":    func(r wire.Reader) { r.String() },
		"Integer":   func(r wire.Reader) { r.Int() },
		"Long":      func(r wire.Reader) { r.Long() },
		"Double":    func(r wire.Reader) { r.Double() },
		"Boolean":   func(r wire.Reader) { r.Bool() },
		"Blob":      func(r wire.Reader) { r.Blob() },
		"Timestamp": func(r wire.Reader) { r.Timestamp() },
		"List":      func(r wire.Reader) { var p []string; wire.ReadScalars(r, &p, wire.Reader.String) },
		"Map":       func(r wire.Reader) { var p map[string]string; wire.ReadScalarMap(r, &p, wire.Reader.String) },
		"Structure": func(r wire.Reader) {
			if r.Struct() {
				for _, ok := r.Member(); ok; _, ok = r.Member() {
					r.Skip()
				}
			}
		},
	}
	sorted, err := cbor.EncOptions{Sort: cbor.SortCanonical}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`null`, `true`, `false`, `12`, `-1.5`, `"x"`, `"yes"`, `"YWJj"`, `"YW=j"`, `"é"`, `[]`, `["x"]`, `[null,true]`, `[[1],2]`,
		`{}`, `{"x":"y"}`, `{"x":1}`, `{"x":{}}`, `{"x":null}`,
	} {
		var value any
		if err := json.Unmarshal([]byte(`{"a":`+text+`,"b":1}`), &value); err != nil {
			t.Fatal(err)
		}
		document, err := sorted.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for name, method := range methods {
			want := offence(t, jsonwire.NewReader([]byte(`{"a":`+text+`,"b":1}`)), method)
			if got := offence(t, NewReader(document, Milliseconds), method); got != want {
				t.Errorf("%s as %s\n got %q\nwant %q", text, name, got, want)
			}
		}
	}
}

// offence reads the member a with the method, b as a string, and returns the first offence, which b's may be.
func offence(t *testing.T, r wire.Document, method func(wire.Reader)) string {
	t.Helper()
	r.Struct()
	seen := 0
	for name, ok := r.Member(); ok; name, ok = r.Member() {
		seen++
		if string(name) == "a" {
			method(r)
			continue
		}
		r.String()
	}
	r.End()
	if seen != 2 || r.Malformed() {
		t.Error("reading did not go on")
	}
	text, _ := r.Offence()
	return text
}

// A byte string is a class of its own, which JSON does not have.
func TestBytesWhereNoneAreWanted(t *testing.T) {
	for name, got := range map[string]any{
		"an Integer":               read(t, Milliseconds, "4161", wire.Reader.Int),
		"an Long":                  read(t, Milliseconds, "4161", wire.Reader.Long),
		"an Double":                read(t, Milliseconds, "4161", wire.Reader.Double),
		"an Boolean":               read(t, Milliseconds, "4161", wire.Reader.Bool),
		"milliseconds since epoch": read(t, Milliseconds, "4161", wire.Reader.Timestamp),
	} {
		if want := "class java.nio.HeapByteBuffer can not be converted to " + name; got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
