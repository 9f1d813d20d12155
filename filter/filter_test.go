package filter

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestMatch holds payloads against patterns of their data, one comparison at a time.
// Facts: 6.8, 6.9, 6.10.
func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern string // of data
		yes, no []string
	}{
		{`{"a":["x"]}`, []string{`{"a":"x"}`, ` {"b":1,"a":"x"} `, `{"a":"\u0078"}`, `{"a":["y","x"]}`, `{"a":[["x"]]}`, `{"\u0061":"x"}`}, []string{`{"a":"X"}`, `{"a":"xx"}`, `{"b":"x"}`, `{"a":{"x":"x"}}`, `{}`, `{"a":[]}`, `{"a":null}`, `{"b":{"a":"x"}}`, `{"a":"x"`, `{"a":"x"}}`, `{"a":"x",}`, `{"a":x}`, ``, `[{"a":"x"}]`, `"x"`, `{"a":"x","b":tru}`, "{\"a\":\"x\",\"b\":\"\xff\"}", "{\"a\":\"x\",\"b\":\"\n\"}"}},
		{`{"a":["x","y"]}`, []string{`{"a":"y"}`, `{"a":["z","y"]}`}, []string{`{"a":"z"}`}},
		{`{"a":["x"],"b":["y"]}`, []string{`{"a":"x","b":"y"}`}, []string{`{"a":"x"}`, `{"a":"x","b":"x"}`}},
		{`{"a":["x"],"a":["y"]}`, []string{`{"a":"y"}`}, []string{`{"a":"x"}`}},
		{`{"a":["y"]}`, []string{`{"a":"x","a":"y"}`}, []string{`{"a":"y","a":"x"}`, `{"a":"y","a":{}}`}},
		{`{"a":[null]}`, []string{`{"a":null}`}, []string{`{"a":"null"}`, `{}`, `{"a":[]}`, `{"a":false}`}},
		{`{"a":[""]}`, []string{`{"a":""}`}, []string{`{"a":" "}`, `{"a":null}`, `{}`}},
		{`{"a":[true]}`, []string{`{"a":true}`}, []string{`{"a":"true"}`, `{"a":false}`, `{"a":1}`}},
		{`{"a":[300]}`, []string{`{"a":300}`, `{"a":[1,300]}`}, []string{`{"a":300.0}`, `{"a":3.0e2}`, `{"a":"300"}`, `{"a":3000}`, `{"a":0300}`, `{"a":+300}`, `{"a":300.}`, `{"a":-300}`}},
		{`{"a":{"b":["x"]}}`, []string{`{"a":{"b":"x"}}`, `{"a":[{"b":"y"},{"b":"x"}]}`, `{"a":[[{"b":["x"]}]]}`}, []string{`{"a":"x"}`, `{"b":"x"}`, `{"a.b":"x"}`, `{"a":{"c":{"b":"x"}}}`}},
		{`{"a":{"b":["x"],"c":["y"]}}`, []string{`{"a":[{},{"c":"y","b":"x"}]}`}, []string{`{"a":[{"b":"x"},{"c":"y"}]}`}},

		{`{"a":[{"exists":true}]}`, []string{`{"a":null}`, `{"a":""}`, `{"a":[0]}`}, []string{`{}`, `{"a":{}}`, `{"a":{"b":1}}`, `{"a":[]}`}},
		{`{"a":[{"exists":false}]}`, []string{`{}`, `{"b":1}`, `{"a":{"b":1}}`, `{"a":[]}`}, []string{`{"a":null}`, `{"a":[0]}`, `[]`, `5`, `x`}},
		{`{"a":[{"exists":false},"x"]}`, []string{`{}`, `{"a":"x"}`}, []string{`{"a":"y"}`}},
		{`{"a":{"b":[{"exists":false}]}}`, []string{`{}`, `{"a":1}`, `{"a":{"c":1}}`, `{"a":[]}`}, []string{`{"a":{"b":1}}`, `{"a":[{"b":1}]}`}},

		{`{"a":[{"anything-but":"x"}]}`, []string{`{"a":"y"}`, `{"a":5}`, `{"a":null}`, `{"a":["x","y"]}`}, []string{`{"a":"x"}`, `{}`, `{"a":{}}`, `{"a":["x"]}`}},
		{`{"a":[{"anything-but":[1,2]}]}`, []string{`{"a":3}`, `{"a":"1"}`, `{"a":1.0}`}, []string{`{"a":1}`, `{"a":2}`}},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, []string{`{"a":"yx"}`, `{"a":""}`, `{"a":1}`}, []string{`{"a":"xy"}`}},
		{`{"a":[{"anything-but":{"prefix":["x","y"]}}]}`, []string{`{"a":"z"}`}, []string{`{"a":"xy"}`, `{"a":"yy"}`}},
		{`{"a":[{"anything-but":{"suffix":".png"}}]}`, []string{`{"a":".pn"}`}, []string{`{"a":"b.png"}`}},
		{`{"a":[{"anything-but":{"equals-ignore-case":["ab","cd"]}}]}`, []string{`{"a":"abc"}`}, []string{`{"a":"AB"}`, `{"a":"cD"}`}},
		{`{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, []string{`{"a":"/lib"}`}, []string{`{"a":"/usr/lib/x"}`}},

		{`{"a":[{"numeric":["=",300]}]}`, []string{`{"a":300}`, `{"a":300.0}`, `{"a":3.0e2}`, `{"a":3E+2}`, `{"a":30000e-2}`}, []string{`{"a":"300"}`, `{"a":300.0000000000000000001}`, `{"a":-300}`}},
		{`{"a":[{"numeric":["=",0]}]}`, []string{`{"a":0}`, `{"a":-0.0}`, `{"a":0e9}`}, []string{`{"a":1e-400}`, `{"a":-1e-400}`}},
		{`{"a":[{"numeric":["<",0]}]}`, []string{`{"a":-1e-400}`, `{"a":-1e400}`}, []string{`{"a":0}`, `{"a":1}`, `{"a":1e-99999999999999999999}`}},
		{`{"a":[{"numeric":[">",1.5]}]}`, []string{`{"a":1.51}`, `{"a":2}`, `{"a":1e99999999999999999999}`}, []string{`{"a":1.5}`, `{"a":1.50}`, `{"a":0.15e1}`, `{"a":1.4}`, `{"a":-2}`}},
		{`{"a":[{"numeric":[">",0,"<=",5]}]}`, []string{`{"a":5}`, `{"a":0.1}`, `{"a":[9,3]}`}, []string{`{"a":0}`, `{"a":5.1}`, `{"a":-1}`, `{"a":true}`, `{}`}},
		{`{"a":[{"numeric":[">=",-5,"<",-4.9]}]}`, []string{`{"a":-5}`, `{"a":-4.95}`}, []string{`{"a":-4.9}`, `{"a":-5.01}`, `{"a":4.95}`}},
		{`{"a":[{"numeric":["=",9007199254740993]}]}`, []string{`{"a":9007199254740993}`}, []string{`{"a":9007199254740992}`}},
		{`{"a":[{"numeric":["<",0.05]}]}`, []string{`{"a":0.049}`, `{"a":0.0}`}, []string{`{"a":0.05}`, `{"a":0.5}`}},

		{`{"a":[{"prefix":"us-"}]}`, []string{`{"a":"us-east-1"}`, `{"a":"us-"}`}, []string{`{"a":"us"}`, `{"a":"US-x"}`, `{"a":1}`, `{"a":"x-us-"}`}},
		{`{"a":[{"prefix":""}]}`, []string{`{"a":""}`, `{"a":"x"}`}, []string{`{"a":1}`, `{}`}},
		{`{"a":[{"prefix":{"equals-ignore-case":"kélvin"}}]}`, []string{`{"a":"KÉLVINs"}`, `{"a":"` + "\u212a" + `élvin"}`}, []string{`{"a":"kelvin"}`, `{"a":"kélvi"}`}},
		{`{"a":[{"suffix":".png"}]}`, []string{`{"a":".png"}`, `{"a":"b.png"}`}, []string{`{"a":"png"}`, `{"a":"b.PNG"}`}},
		{`{"a":[{"suffix":{"equals-ignore-case":"k"}}]}`, []string{`{"a":"x` + "\u212a" + `"}`, `{"a":"K"}`}, []string{`{"a":""}`, `{"a":"kx"}`}},
		{`{"a":[{"equals-ignore-case":"aLiCe"}]}`, []string{`{"a":"Alice"}`}, []string{`{"a":"Alicea"}`, `{"a":1}`}},
		{`{"a":[{"wildcard":"a*b*c"}]}`, []string{`{"a":"abc"}`, `{"a":"axxbyyc"}`, `{"a":"abbcc"}`}, []string{`{"a":"ab"}`, `{"a":"acb"}`, `{"a":"xabc"}`, `{"a":1}`}},
		{`{"a":[{"wildcard":"a\\*\\\\*"}]}`, []string{`{"a":"a*\\"}`, `{"a":"a*\\bc"}`}, []string{`{"a":"ab\\"}`}},
		{`{"a":[{"wildcard":"ab*ba"}]}`, []string{`{"a":"abba"}`}, []string{`{"a":"aba"}`}},
		{`{"a":[{"wildcard":"*"}]}`, []string{`{"a":""}`, `{"a":"x"}`}, []string{`{"a":null}`}},
		{`{"a":[{"wildcard":"x"}]}`, []string{`{"a":"x"}`}, []string{`{"a":"xx"}`}},
		{`{"a":[{"cidr":"10.0.0.7/24"}]}`, []string{`{"a":"10.0.0.255"}`}, []string{`{"a":"10.0.1.0"}`, `{"a":"10.0.0"}`, `{"a":"x"}`, `{"a":"::ffff:10.0.0.1"}`, `{"a":1}`}},
		{`{"a":[{"cidr":"2001:db8::/32"}]}`, []string{`{"a":"2001:db8::1"}`, `{"a":"2001:0DB8:0:0:0:0:0:1"}`}, []string{`{"a":"2001:db9::1"}`, `{"a":"1.2.3.4"}`}},

		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, []string{`{"a":"x"}`, `{"b":"y"}`}, []string{`{"a":"y"}`, `{}`}},
		{`{"c":["z"],"$or":[{"a":["x"]},{"b":["y"]}]}`, []string{`{"c":"z","b":"y"}`}, []string{`{"b":"y"}`, `{"c":"z"}`}},
		{`{"c":{"$or":[{"a":["x"],"b":["x"]},{"b":["y"],"$or":[{"a":["1"]},{"a":["2"]}]}]}}`, []string{`{"c":{"a":"x","b":"x"}}`, `{"c":{"a":"2","b":"y"}}`}, []string{`{"c":{"a":"x","b":"y"}}`, `{"a":"2","b":"y"}`}},
		{`{"$or":["a","b"]}`, []string{`{"$or":"b"}`}, []string{`{"a":"b"}`}},
		{`{"$or":[{"prefix":"a"},{"prefix":"b"}]}`, []string{`{"$or":"bc"}`}, []string{`{"a":"b"}`}},
	} {
		s, err := Compile(`{"data":` + test.pattern + `}`)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		for want, payloads := range map[bool][]string{true: test.yes, false: test.no} {
			for _, payload := range payloads {
				r := &Record{Data: []byte(payload)}
				if got := s.Match(r); got != want {
					t.Errorf("%s on %s: %v", test.pattern, payload, got)
				}
				if e := s.Explain(r); e.Matched != want {
					t.Errorf("%s on %s is explained: %+v", test.pattern, payload, e)
				}
			}
		}
	}
}

// TestRecordMembers holds the members beside the data against patterns.
// Facts: 6.2.
func TestRecordMembers(t *testing.T) {
	r := &Record{Data: []byte("no JSON"), PartitionKey: "eu-7", SequenceNumber: "4967", ApproximateArrivalTimestamp: "1541139109.351"}
	for pattern, want := range map[string]bool{
		`{"partitionKey":["eu-7"]}`:        true,
		`{"partitionKey":["eu-8"]}`:        false,
		`{"partitionKey":{"x":["eu-7"]}}`:  false,
		`{"sequenceNumber":["4967"]}`:      true,
		`{"sequenceNumber":[4967]}`:        false,
		`{"kinesisSchemaVersion":["1.0"]}`: true,
		`{"approximateArrivalTimestamp":[{"numeric":[">",1541139109,"<",1.6e9]}]}`: true,
		`{"approximateArrivalTimestamp":[1541139109.351]}`:                         true,
		`{"eventSource":["aws:kinesis"]}`:                                          false,
		`{"kinesis":{"partitionKey":["eu-7"]}}`:                                    false,
		`{"data":{"a":[{"exists":false}]}}`:                                        false,
		`{"$or":[{"data":{"a":["x"]}},{"partitionKey":[{"prefix":"eu"}]}]}`:        true,
	} {
		s, err := Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Match(r); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
		if got := s.Explain(r); got.Matched != want {
			t.Errorf("%s is explained: %+v", pattern, got)
		}
		if s.Match(&Record{}) && pattern != `{"kinesisSchemaVersion":["1.0"]}` {
			t.Errorf("%s matches nothing at all", pattern)
		}
	}
}

// TestSeveral lets a record pass that one of several patterns matches; none at all pass nothing.
// Facts: 6.1.
func TestSeveral(t *testing.T) {
	s, err := Compile(`{"data":{"a":["x"],"b":["y"]}}`, `{"data":{"a":["z"]}}`, `{"partitionKey":["k"]}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		data, key string
		want      bool
	}{{`{"a":"x"}`, "", false}, {`{"a":"z"}`, "", true}, {`{"a":"x","b":"y"}`, "", true}, {`{`, "k", true}, {`{"a":"y","b":"y"}`, "l", false}} {
		if got := s.Match(&Record{Data: []byte(test.data), PartitionKey: test.key}); got != test.want {
			t.Errorf("%s %s: %v", test.data, test.key, got)
		}
	}
	if !s.Names("partitionKey") || !s.Names("data") || s.Names("sequenceNumber") {
		t.Error("the set does not know what it speaks of")
	}
	none, err := Compile()
	if err != nil || none.Match(&Record{Data: []byte(`{}`)}) {
		t.Error("a set of none matches", err)
	}
}

// TestDepth ends where payloads are nested too deeply, wherever in them.
func TestDepth(t *testing.T) {
	s, err := Compile(`{"data":{"a":["x"]}}`)
	if err != nil {
		t.Fatal(err)
	}
	for depth, want := range map[int]bool{1: true, maxDepth - 1: true, maxDepth: false, 100_000: false} {
		nested := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		objects := strings.Repeat(`{"b":`, depth) + "1" + strings.Repeat("}", depth)
		for _, payload := range []string{
			`{"a":"x","b":` + nested + `}`, `{"a":["x",` + nested + `]}`, `{"a":"x","b":` + objects + `}`, `{"a":["x",` + objects + `]}`,
		} {
			if strings.Contains(payload, `["x",`) && depth == maxDepth-1 {
				continue // the array around counts too
			}
			r := &Record{Data: []byte(payload)}
			if got, told := s.Match(r), s.Explain(r).Matched; got != want || told != want {
				t.Errorf("%.20s… at %d: %v, explained %v", payload, depth, got, told)
			}
		}
	}
}

// TestRefused lists what is no pattern, and why.
// Facts: 1.5.34.
func TestRefused(t *testing.T) {
	for _, test := range []struct{ pattern, reason string }{
		{``, "the pattern is not valid JSON: it ends too early"},
		{`{"data":`, "the pattern is not valid JSON: it ends too early"},
		{`{"data":{"a":["x"]}} x`, "the pattern is not valid JSON: something follows its end"},
		{`simple text`, "the pattern is not valid JSON: invalid character 's' looking for beginning of value"},
		{`null`, "a pattern is an object, not null"},
		{`"text"`, "a pattern is an object, not a string"},
		{`[{"data":{"a":["x"]}}]`, "a pattern is an object, not an array"},
		{`{}`, "an empty object asks for nothing"},
		{`{"data":{}}`, "data: an empty object asks for nothing"},
		{`{"data":["x"]}`, "data: the pattern of data is an object, not an array"},
		{`{"data":"x"}`, "data: the pattern of data is an object, not a string"},
		{`{"$or":[{"data":["x"]},{"partitionKey":["x"]}]}`, "data: the pattern of data is an object, not an array"},
		{`{"partitionKey":"x"}`, "partitionKey: an array of comparisons or an object is wanted, not a string"},
		{`{"data":{"a":null}}`, "data.a: an array of comparisons or an object is wanted, not null"},
		{`{"data":{"a":true}}`, "data.a: an array of comparisons or an object is wanted, not a boolean"},
		{`{"data":{"a":5}}`, "data.a: an array of comparisons or an object is wanted, not a number"},
		{`{"data":{"a":{"b":[]}}}`, "data.a.b: an empty array matches nothing"},
		{`{"data":{"a":[["x"]]}}`, "data.a: an array of comparisons holds no further array"},
		{`{"data":{"a":[{}]}}`, "data.a: a comparison is an object with one operator, not 0"},
		{`{"data":{"a":[{"prefix":"x","suffix":"y"}]}}`, "data.a: a comparison is an object with one operator, not 2"},
		{`{"data":{"a":[{"like":"x"}]}}`, `data.a: there is no operator "like"`},
		{`{"data":{"a":[{"prefix":5}]}}`, "data.a: prefix wants a string, not a number"},
		{`{"data":{"a":[{"suffix":null}]}}`, "data.a: suffix wants a string, not null"},
		{`{"data":{"a":[{"prefix":{"wildcard":"x"}}]}}`, "data.a: prefix wants a string, or an object with equals-ignore-case alone"},
		{`{"data":{"a":[{"suffix":{"equals-ignore-case":5}}]}}`, "data.a: suffix with equals-ignore-case wants a string, not a number"},
		{`{"data":{"a":[{"equals-ignore-case":["x"]}]}}`, "data.a: equals-ignore-case wants a string, not an array"},
		{`{"data":{"a":[{"wildcard":5}]}}`, "data.a: wildcard wants a string, not a number"},
		{`{"data":{"a":[{"wildcard":"a**b"}]}}`, `data.a: wildcard "a**b": two stars follow each other`},
		{`{"data":{"a":[{"wildcard":"a\\b"}]}}`, `data.a: wildcard "a\\b": a backslash stands only before * and \`},
		{`{"data":{"a":[{"wildcard":"a\\"}]}}`, `data.a: wildcard "a\\": a backslash stands only before * and \`},
		{`{"data":{"a":[{"cidr":"10.0.0.1"}]}}`, `data.a: cidr: "10.0.0.1" is no block of addresses such as 10.0.0.0/24`},
		{`{"data":{"a":[{"cidr":5}]}}`, "data.a: cidr wants a string, not a number"},
		{`{"data":{"a":[{"exists":"yes"}]}}`, "data.a: exists wants true or false, not a string"},
		{`{"data":{"a":[{"numeric":5}]}}`, `data.a: numeric wants an array such as [">", 0] or [">", 0, "<=", 5]`},
		{`{"data":{"a":[{"numeric":[">"]}]}}`, `data.a: numeric wants an array such as [">", 0] or [">", 0, "<=", 5]`},
		{`{"data":{"a":[{"numeric":[1,2]}]}}`, "data.a: numeric wants an operator, not a number"},
		{`{"data":{"a":[{"numeric":[">","1"]}]}}`, `data.a: numeric wants a number after ">", not a string`},
		{`{"data":{"a":[{"numeric":["!=",1]}]}}`, `data.a: numeric: "!=" is not one of = < <= > >=`},
		{`{"data":{"a":[{"numeric":["",1,"<",2]}]}}`, `data.a: numeric: "" is not one of = < <= > >=`},
		{`{"data":{"a":[{"numeric":["<",5,">",0]}]}}`, "data.a: numeric: a range has a lower bound and then an upper one"},
		{`{"data":{"a":[{"numeric":[">",0,">",5]}]}}`, "data.a: numeric: a range has a lower bound and then an upper one"},
		{`{"data":{"a":[{"numeric":[">",5,"<",5.0]}]}}`, "data.a: numeric: the lower bound of a range is below the upper one"},
		{`{"data":{"a":[{"anything-but":[]}]}}`, "data.a: anything-but wants something that is not to match"},
		{`{"data":{"a":[{"anything-but":null}]}}`, "data.a: anything-but wants strings or numbers, not null"},
		{`{"data":{"a":[{"anything-but":[true]}]}}`, "data.a: anything-but wants strings or numbers, not a boolean"},
		{`{"data":{"a":[{"anything-but":[["x"]]}]}}`, "data.a: anything-but wants strings or numbers, not an array"},
		{`{"data":{"a":[{"anything-but":["x",1]}]}}`, "data.a: anything-but wants only strings or only numbers"},
		{`{"data":{"a":[{"anything-but":{}}]}}`, "data.a: anything-but wants one operator, not 0"},
		{`{"data":{"a":[{"anything-but":{"numeric":["=",1]}}]}}`, `data.a: anything-but cannot be used with "numeric"`},
		{`{"data":{"a":[{"anything-but":{"prefix":""}}]}}`, "data.a: anything-but with an empty prefix would match no string"},
		{`{"data":{"a":[{"anything-but":{"prefix":[]}}]}}`, "data.a: anything-but with prefix wants something that is not to match"},
		{`{"data":{"a":[{"anything-but":{"wildcard":["*",5]}}]}}`, "data.a: anything-but with wildcard wants a string, not a number"},
		{`{"$or":[{"partitionKey":["x"]}]}`, `$or: there is no operator "partitionKey"`},
		{`{"$or":[{"partitionKey":["x"]},{}]}`, "an empty object asks for nothing"},
		{`{"$or":{"a":5}}`, "$or.a: an array of comparisons or an object is wanted, not a number"},
		{`{"partitionKey":["` + strings.Repeat("ü", MaxLength) + `"]}`, "a pattern has at most 4096 characters"},
		{"{\"partitionKey\":[\"\xff\"]}", "a pattern is UTF-8"},
	} {
		_, err := Compile(test.pattern)
		var refused *PatternError
		if !errors.As(err, &refused) || err.Error() != test.reason {
			t.Errorf("%.80s: %v, want %s", test.pattern, err, test.reason)
		}
		if _, several := Compile(`{"partitionKey":["x"]}`, test.pattern); fmt.Sprint(several) != "filter 2: "+test.reason {
			t.Errorf("%.80s as the second: %v", test.pattern, several)
		}
	}
}

// TestExplain reads what people are told.
func TestExplain(t *testing.T) {
	for _, test := range []struct{ pattern, data, told string }{
		{`{"data":{"a":["x","y"]}}`, `{"a":"y"}`, `true: data.a is "y", which matches "y"`},
		{`{"data":{"a":["x","y"]}}`, `{"a":"z"}`, `false: data.a is "z", which matches none of ["x","y"]`},
		{`{"data":{"a":[1],"b":[2]}}`, `{"a":1,"b":3}`, `false: data.b is 3, which matches none of [2]`},
		{`{"data":{"a":[1],"b":[2]}}`, `{"a":1,"b":2}`, `true: data.a is 1, which matches 1; data.b is 2, which matches 2`},
		{`{"data":{"a":[{"numeric":["<",5]}]}}`, `{"a":[9,4]}`, `true: data.a is [9,4], which matches {"numeric":["<",5]}`},
		{`{"data":{"a":[{"exists":false}]}}`, `{}`, `true: data.a is absent, which matches {"exists":false}`},
		{`{"data":{"a":["x"]}}`, `{"a":{}}`, `false: data.a is an object, which matches none of ["x"]`},
		{`{"data":{"a":["x"]}}`, `{"a":`, `false: data is not valid JSON`},
		{`{"data":{"a":["x"]}}`, `[1]`, `false: data is an array, not an object`},
		{`{"data":{"a":{"b":["x"]}}}`, `{"a":[{"b":1},{}]}`, `false: data.a.b is 1, which matches none of ["x"]`},
		{`{"data":{"$or":[{"a":["x"]},{"b":["<&>"]}]}}`, `{"b":1}`, `false: data.a is absent, which matches none of ["x"]; data.b is 1, which matches none of ["<&>"]`},
		{`{"data":{"$or":[{"a":["x"]},{"b":["y"]}]}}`, `{"b":"y"}`, `true: data.b is "y", which matches "y"`},
		{`{"data":{"a":["x"]}}`, `{"a":"` + strings.Repeat("é", 200) + `"}`, `false: data.a is "` + strings.Repeat("é", 119) + `…, which matches none of ["x"]`},
	} {
		s, err := Compile(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		judged := s.Explain(&Record{Data: []byte(test.data)}).Filters[0]
		var told []string
		for _, c := range judged.Comparisons {
			told = append(told, c.String())
		}
		if got := fmt.Sprintf("%v: %s", judged.Matched, strings.Join(told, "; ")); got != test.told {
			t.Errorf("%s on %.40s:\n got %s\nwant %s", test.pattern, test.data, got, test.told)
		}
	}
}
