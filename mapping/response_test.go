package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/stream"
)

// responseBatch returns some records, and a replacer that writes their sequence numbers for $0, $1 and so on. $f is the
// number of a record before them and $l of one behind.
func responseBatch(n int) ([]stream.Record, *strings.Replacer) {
	var records []stream.Record
	var pairs []string
	for i := range n + 2 {
		r := stream.Record{Position: stream.Position(i+1) << 16, Arrival: noon}
		number := testShard.SequenceNumber(r.Position, r.Arrival).String()
		switch i {
		case 0:
			pairs = append(pairs, "$f", number)
		case n + 1:
			pairs = append(pairs, "$l", number)
		default:
			records = append(records, r)
			pairs = append(pairs, fmt.Sprintf("$%d", i-1), number)
		}
	}
	return records, strings.NewReplacer(pairs...)
}

// TestReadResponse reads every kind of response that is known, of a function that reports the failed items of four
// records.
// Facts: 5.4.2, 5.4.3, 5.4.4.
func TestReadResponse(t *testing.T) {
	items := func(list string) string { return `{"batchItemFailures":[` + list + `]}` }
	item := func(identifier string) string { return `{"itemIdentifier":` + identifier + `}` }
	for _, c := range []struct {
		name, body string
		taken      int
		err        error
	}{
		{"nothing", ``, 4, nil},
		{"blanks", " \r\n\t", 4, nil},
		{"empty text", `""`, 4, nil},
		{"null", `null`, 4, nil},
		{"null amid blanks", " null\n", 4, nil},
		{"empty object", `{}`, 4, nil},
		{"empty array", `[]`, 4, nil},
		{"empty array with blanks", `[ ]`, 4, nil},
		{"no list", `{"statusCode":200}`, 4, nil},
		{"list under another name", `{"BatchItemFailures":[{"itemIdentifier":"$1"}]}`, 4, nil},
		{"list is null", `{"batchItemFailures":null}`, 4, nil},
		{"list is empty", `{"batchItemFailures":[]}`, 4, nil},
		{"list is empty with blanks", `{ "batchItemFailures" : [ ] }`, 4, nil},

		{"the last", items(item(`"$3"`)), 3, nil},
		{"the second", items(item(`"$1"`)), 1, nil},
		{"the first", items(item(`"$0"`)), 0, nil},
		{"all", items(item(`"$0"`) + "," + item(`"$1"`) + "," + item(`"$2"`) + "," + item(`"$3"`)), 0, nil},
		{"the lowest of two", items(item(`"$3"`) + "," + item(`"$2"`)), 2, nil},
		{"twice", items(item(`"$2"`) + "," + item(`"$2"`)), 2, nil},
		{"with other members", `{"x":[{}],"batchItemFailures":[{"why":null,"itemIdentifier":"$2"}]}`, 2, nil},
		{"escaped name", `{"batchItem\u0046ailures":[{"itemIdentifier":"$2"}]}`, 2, nil},
		{"the later of two lists", `{"batchItemFailures":[{"itemIdentifier":"$1"}],"batchItemFailures":[]}`, 4, nil},

		{"empty identifier", items(item(`""`)), 0, errIdentifier},
		{"null identifier", items(item(`null`)), 0, errIdentifier},
		{"number", items(item(`123`)), 0, errIdentifier},
		{"the right number, not as text", items(item(`$1`)), 0, errIdentifier},
		{"true", items(item(`true`)), 0, errIdentifier},
		{"object", items(item(`{}`)), 0, errIdentifier},
		{"list", items(item(`["$1"]`)), 0, errIdentifier},
		{"other key", items(`{"foo":"$1"}`), 0, errIdentifier},
		{"key in other case", items(`{"ItemIdentifier":"$1"}`), 0, errIdentifier},
		{"no key", items(`{}`), 0, errIdentifier},
		{"item is null", items(`null`), 0, errIdentifier},
		{"item is text", items(`"$1"`), 0, errIdentifier},
		{"item is a number", items(`1`), 0, errIdentifier},
		{"item is a list", items(`[]`), 0, errIdentifier},
		{"a word", items(item(`"second"`)), 0, errIdentifier},
		{"a record before", items(item(`"$f"`)), 0, errIdentifier},
		{"a record behind", items(item(`"$l"`)), 0, errIdentifier},
		{"zero", items(item(`"0"`)), 0, errIdentifier},
		{"leading zero", items(item(`"0$1"`)), 0, errIdentifier},
		{"sign", items(item(`"+$1"`)), 0, errIdentifier},
		{"blanks around", items(item(`" $1 "`)), 0, errIdentifier},
		{"one digit more", items(item(`"$10"`)), 0, errIdentifier},
		{"event id", items(item(`"shardId-000000000003:$1"`)), 0, errIdentifier},
		{"number of another shard", items(item(`"` + stream.Shard{Index: 4, Created: testShard.Created}.SequenceNumber(2<<16, noon).String() + `"`)), 0, errIdentifier},
		{"good and bad", items(item(`"$1"`) + "," + item(`"x"`)), 0, errIdentifier},
		{"bad and good", items(item(`""`) + "," + item(`"$1"`)), 0, errIdentifier},

		{"list is text", `{"batchItemFailures":"$1"}`, 0, errResponse},
		{"list is empty text", `{"batchItemFailures":""}`, 0, errResponse},
		{"list is an object", `{"batchItemFailures":{}}`, 0, errResponse},
		{"list is a number", `{"batchItemFailures":0}`, 0, errResponse},
		{"list is false", `{"batchItemFailures":false}`, 0, errResponse},
		{"no JSON", `ok`, 0, errResponse},
		{"half an object", `{"batchItemFailures":[`, 0, errResponse},
		{"two objects", `{}{}`, 0, errResponse},
		{"not a number", `{"batchItemFailures":[],"mean":NaN}`, 0, errResponse},
		{"text", `"ok"`, 0, errResponse},
		{"number alone", `0`, 0, errResponse},
		{"false", `false`, 0, errResponse},
		{"array", `[{"itemIdentifier":"$1"}]`, 0, errResponse},
		{"array of null", `[null]`, 0, errResponse},
		{"broken array", `[`, 0, errResponse},
	} {
		records, numbers := responseBatch(4)
		body := []byte(numbers.Replace(c.body))
		got, err := readResponse(body, records, &testShard, expectation{failures: true})
		if got.taken != c.taken || !errors.Is(err, c.err) || got.state != nil {
			t.Errorf("%s: %d taken, %v; want %d, %v", c.name, got.taken, err, c.taken, c.err)
		}
		if got, err := readResponse(body, records, &testShard, expectation{}); got.taken != 4 || err != nil {
			t.Errorf("%s: read although nobody asked: %d, %v", c.name, got.taken, err)
		}
	}
}

// Facts: 3.3.4.
func TestReadState(t *testing.T) {
	records, numbers := responseBatch(3)
	both, state := expectation{failures: true, state: true}, expectation{state: true}
	for _, c := range []struct {
		name, body string
		want       expectation
		taken      int
		state      string
		err        error
	}{
		{"empty", `{"state":{}}`, both, 3, `{}`, nil},
		{"full", `{"state": {"a": [1, 2.50, "<\u00e9>"], "b": {"c": null}}, "other": 1}`, both, 3, `{"a":[1,2.50,"<\u00e9>"],"b":{"c":null}}`, nil},
		{"with failures", `{"state":{"n":1},"batchItemFailures":[{"itemIdentifier":"$1"}]}`, both, 1, `{"n":1}`, nil},
		{"with failures nobody asked for", `{"state":{"n":1},"batchItemFailures":[{"itemIdentifier":"$1"}]}`, state, 3, `{"n":1}`, nil},
		{"with a bad identifier", `{"state":{},"batchItemFailures":[{}]}`, both, 0, ``, errIdentifier},
		{"with a bad list", `{"state":{},"batchItemFailures":1}`, both, 0, ``, errResponse},
		{"failures alone", `{"batchItemFailures":[{"itemIdentifier":"$1"}]}`, both, 0, ``, errResponse},
		{"missing", `{}`, state, 0, ``, errResponse},
		{"other case", `{"State":{}}`, state, 0, ``, errResponse},
		{"null", `{"state":null}`, state, 0, ``, errResponse},
		{"text", `{"state":"{}"}`, state, 0, ``, errResponse},
		{"array", `{"state":[]}`, state, 0, ``, errResponse},
		{"number", `{"state":1}`, state, 0, ``, errResponse},
		{"no response", ``, state, 0, ``, errResponse},
		{"null response", `null`, state, 0, ``, errResponse},
		{"empty text", `""`, state, 0, ``, errResponse},
		{"empty array", `[]`, state, 0, ``, errResponse},
		{"no JSON", `{"state":{}`, state, 0, ``, errResponse},
	} {
		got, err := readResponse([]byte(numbers.Replace(c.body)), records, &testShard, c.want)
		if got.taken != c.taken || string(got.state) != c.state || !errors.Is(err, c.err) {
			t.Errorf("%s: %d taken, state %s, %v; want %d, %s, %v", c.name, got.taken, got.state, err, c.taken, c.state, c.err)
		}
	}
	// The final invocation of a window has no records.
	if got, err := readResponse([]byte(`{"state":{},"batchItemFailures":[]}`), nil, &testShard, both); err != nil || got.taken != 0 {
		t.Errorf("final: %d taken, %v", got.taken, err)
	}
	if _, err := readResponse([]byte(numbers.Replace(`{"state":{},"batchItemFailures":[{"itemIdentifier":"$1"}]}`)), nil, &testShard, both); !errors.Is(err, errIdentifier) {
		t.Errorf("a record of nothing: %v", err)
	}
}

// FuzzReadResponse compares with a second reading, which is slow and knows no ranges: it walks the decoded document.
func FuzzReadResponse(f *testing.F) {
	records, numbers := responseBatch(5)
	for _, body := range []string{
		``, `""`, `null`, `[]`, `{}`, `{"batchItemFailures":[{"itemIdentifier":"$2"},{"itemIdentifier":"$4"}],"state":{"a":[1]}}`,
		`{"batchItemFailures":null,"state":{}}`, `{"batchItemFailures":[{"itemIdentifier":1}]}`, `{"state":{},"batchItemFailures":[null]}`,
		`{"batchItemFailures":[{"itemIdentifier":"$f"}]}`, ` { "state" : { } , "batchItemFailures" : "x" } `,
	} {
		f.Add([]byte(numbers.Replace(body)), true, false)
		f.Add([]byte(numbers.Replace(body)), true, true)
		f.Add([]byte(numbers.Replace(body)), false, true)
	}
	f.Fuzz(func(t *testing.T, body []byte, failures, state bool) {
		want := expectation{failures: failures, state: state}
		before := bytes.Clone(body)
		got, err := readResponse(body, records, &testShard, want)
		taken, valid := readSlowly(body, records, want)
		if (err == nil) != valid || got.taken != taken {
			t.Fatalf("%q: %d taken, %v; should be %d, %t", body, got.taken, err, taken, valid)
		}
		if !bytes.Equal(body, before) {
			t.Fatal("the response was changed")
		}
		if valid && state && (!json.Valid(got.state) || got.state[0] != '{') {
			t.Fatalf("%q: the state is %q", body, got.state)
		}
	})
}

func readSlowly(body []byte, records []stream.Record, want expectation) (taken int, valid bool) {
	if !want.failures && !want.state {
		return len(records), true
	}
	members := map[string]any{}
	if text := strings.Trim(string(body), " \n\r\t"); text != "" {
		var document any
		if json.Unmarshal(body, &document) != nil {
			return 0, false
		}
		list, isList := document.([]any)
		object, isObject := document.(map[string]any)
		switch {
		case document == nil, document == "", isList && len(list) == 0:
		case isObject:
			members = object
		default:
			return 0, false
		}
	}
	if _, isObject := members["state"].(map[string]any); want.state && !isObject {
		return 0, false
	}
	list, isList := members["batchItemFailures"].([]any)
	switch {
	case !want.failures || members["batchItemFailures"] == nil:
		return len(records), true
	case !isList:
		return 0, false
	}
	taken = len(records)
	for _, item := range list {
		object, _ := item.(map[string]any)
		i := 0
		for i < len(records) && object["itemIdentifier"] != testShard.SequenceNumber(records[i].Position, records[i].Arrival).String() {
			i++
		}
		if i == len(records) {
			return 0, false
		}
		taken = min(taken, i)
	}
	return taken, true
}
