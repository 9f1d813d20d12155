package filter

import (
	"fmt"
	"strings"
	"testing"
)

func TestPolicyMatch(t *testing.T) {
	for _, c := range []struct {
		policy string
		scope  Scope
		object string
		want   bool
	}{
		{`{}`, ScopeAttributes, `{}`, true},
		{`{}`, ScopeBody, `no JSON`, true},
		{`{"store":["a","b"]}`, ScopeAttributes, `{"store":"b"}`, true},
		{`{"store":["a"]}`, ScopeAttributes, `{"store":["x","a"]}`, true},
		{`{"store":["a"],"price":[{"numeric":[">",0,"<=",5]}]}`, ScopeAttributes, `{"store":"a","price":5}`, true},
		{`{"store":["a"],"price":[{"numeric":[">",0,"<=",5]}]}`, ScopeAttributes, `{"store":"a","price":"5"}`, false},
		{`{"store":[{"exists":false}]}`, ScopeAttributes, `{}`, true},
		{`{"store":[{"exists":true}]}`, ScopeAttributes, `{"store":"x"}`, true},
		{`{"store":[{"anything-but":{"prefix":"x"}}]}`, ScopeAttributes, `{"store":"xy"}`, false},
		{`{"store":[{"anything-but":{"wildcard":"*y"}}]}`, ScopeAttributes, `{"store":"xy"}`, false},
		{`{"store":[{"equals-ignore-case":"TWO"}]}`, ScopeAttributes, `{"store":"two"}`, true},
		{`{"ip":[{"cidr":"10.0.0.0/24"}]}`, ScopeAttributes, `{"ip":"10.0.0.9"}`, true},
		{`{"$or":[{"a":["1"]},{"b":["2"]}]}`, ScopeAttributes, `{"b":"2"}`, true},
		{`{"a":{"b":["1"]}}`, ScopeBody, `{"a":{"b":"1"},"c":{}}`, true},
		{`{"a":{"b":["1"]}}`, ScopeBody, `{"a":[{"b":"0"},{"b":"1"}]}`, true},
		{`{"a":["1"]}`, ScopeBody, `["1"]`, false},
		{`{"a":["1"]}`, ScopeBody, `text`, false},
	} {
		p, err := CompilePolicy(c.policy, c.scope)
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
			continue
		}
		if p.Match([]byte(c.object)) != c.want {
			t.Errorf("%s of %s: not %v", c.policy, c.object, c.want)
		}
	}
}

// What is wrong with a policy is said as SNS says it.
func TestPolicyRefused(t *testing.T) {
	values := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`"x",`, n), ",") + "]" }
	for policy, want := range map[string]string{
		`{`:    "FilterPolicy: failed to parse JSON.",
		`[]`:   "FilterPolicy: failed to parse JSON.",
		`{} x`: "FilterPolicy: failed to parse JSON.",
		`{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}`: "FilterPolicy: Filter policy can not have more than 5 keys",
		`{"a":` + values(12) + `,"b":` + values(13) + `}`:               "FilterPolicy: Filter policy is too complex",
		`{"$or":[{"a":` + values(80) + `},{"b":` + values(80) + `}]}`:   "FilterPolicy: Filter policy is too complex",
		`{"a":{"b":` + values(76) + `}}`:                                "FilterPolicy: Filter policy is too complex",
		`{"a":[]}`:                                                      "FilterPolicy: Empty arrays are not allowed",
		`{"a":"x"}`:                                                     `FilterPolicy: "a" must be an object or an array`,
		`{"a":[["x"]]}`:                                                 "FilterPolicy: Match value must be String, number, true, false, or null",
		`{"a":[{"prefix":"x","suffix":"y"}]}`:                           "FilterPolicy: Only one key allowed in match expression",
		`{"a":[{"prefix":1}]}`:                                          "FilterPolicy: prefix match pattern must be a string",
		`{"a":[{"exists":"x"}]}`:                                        "FilterPolicy: exists match pattern must be either true or false.",
		`{"a":[{"like":"x"}]}`:                                          "FilterPolicy: Unrecognized match type like",
		`{"a":[{"anything-but":{"numeric":[]}}]}`:                       "FilterPolicy: Unsupported anything-but pattern: numeric",
		`{"a":[{"cidr":"x"}]}`:                                          "FilterPolicy: Malformed CIDR, one '/' required",
		`{"a":[{"cidr":"10.0.0.0/x"}]}`:                                 "FilterPolicy: Malformed CIDR, mask bits must be an integer",
		`{"a":[{"cidr":"10.0/8"}]}`:                                     "FilterPolicy: Nonstandard IP address: 10.0",
		`{"a":[{"numeric":[]}]}`:                                        "FilterPolicy: Invalid member in numeric match: ]",
		`{"a":[{"numeric":[1]}]}`:                                       "FilterPolicy: Invalid member in numeric match: 1",
		`{"a":[{"numeric":["!",1]}]}`:                                   "FilterPolicy: Unrecognized numeric range operator: !",
		`{"a":[{"numeric":["=","x"]}]}`:                                 "FilterPolicy: Value of equals must be numeric",
		`{"a":[{"numeric":["<"]}]}`:                                     "FilterPolicy: Value of < must be numeric",
		`{"a":[{"numeric":["<",1,">",0]}]}`:                             "FilterPolicy: Too many elements in numeric expression",
		`{"a":[{"numeric":[">",1,2,3]}]}`:                               "FilterPolicy: Bad value in numeric range: 2",
		`{"a":[{"numeric":[">",1,">",3]}]}`:                             "FilterPolicy: Bad numeric range operator: >",
		`{"a":[{"numeric":[">",1,"<"]}]}`:                               "FilterPolicy: Value of < must be numeric",
		`{"a":[{"numeric":[">",3,"<",3]}]}`:                             "FilterPolicy: Bottom must be less than top",
		`{"a":[{"numeric":[">",1,"<",3,"<"]}]}`:                         "FilterPolicy: Too many terms in numeric range expression",
		`{"a":[{"anything-but":["x",1]}]}`:                              "FilterPolicy: a: anything-but wants only strings or only numbers",
		fmt.Sprintf(`{"a":["%0*d"]}`, maxPolicyBytes, 1):                "FilterPolicy: Filter policy is too long",
	} {
		if _, err := CompilePolicy(policy, ScopeBody); err == nil || err.Error() != want {
			t.Errorf("%.80s: %v", policy, err)
		}
	}
	_, err := CompilePolicy(`{"a":{"b":["x"]}}`, ScopeAttributes)
	if err == nil || err.Error() != "Filter policy scope MessageAttributes does not support nested filter policy" {
		t.Error(err)
	}
	for _, policy := range []string{`{"a":` + values(150) + `}`, `{"a":{"b":` + values(75) + `}}`} {
		if _, err := CompilePolicy(policy, ScopeBody); err != nil {
			t.Error(err)
		}
	}
}

// FuzzPolicy looks for policies and messages that nothing is said about but a panic.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"a":["x",{"numeric":[">",1,"<",3]}],"$or":[{"b":[{"exists":false}]},{"c":[{"anything-but":{"prefix":"y"}}]}]}`, `{"a":"x","b":[1,{}]}`)
	f.Add(`{"a":{"b":[{"cidr":"10.0.0.0/8"},{"wildcard":"*x"},null]}}`, `{"a":[{"b":"10.1.2.3"}]}`)
	f.Add(`{"a":[{"numeric":["=",1e400]}]}`, `{"a":1E+400}`)
	f.Fuzz(func(t *testing.T, policy, object string) {
		for _, scope := range []Scope{ScopeAttributes, ScopeBody} {
			p, err := CompilePolicy(policy, scope)
			if err != nil {
				if _, ok := err.(*PolicyError); !ok {
					t.Errorf("%q: %T", policy, err)
				}
				continue
			}
			p.Match([]byte(object))
		}
	})
}
