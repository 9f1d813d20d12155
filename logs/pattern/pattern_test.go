package pattern_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/logs/pattern"
)

const (
	apache = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	trail  = `{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
		"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "ThisFlag": true, "ms": 1.5e3, "odd.name": "x"}`
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern string
		message string
		want    bool
	}{
		{`ERROR`, "[ERROR 400] BAD REQUEST", true},
		{`ERROR`, "error", false},
		{`ERROR ARGUMENTS`, "ARGUMENTS, then ERROR", true},
		{`ERROR ARGUMENTS`, "ERROR", false},
		{`?ERROR ?ARGUMENTS`, "ARGUMENTS", true},
		{`?ERROR ?ARGUMENTS`, "neither", false},
		{`ERROR -ARGUMENTS`, "ERROR 401", true},
		{`ERROR -ARGUMENTS`, "ERROR ARGUMENTS", false},
		{`-ERROR`, "fine", true},
		{`"INTERNAL SERVER ERROR"`, "500 INTERNAL SERVER ERROR", true},
		{`"INTERNAL SERVER ERROR"`, "INTERNAL ERROR SERVER", false},
		{`"say \"no\""`, `they say "no"`, true},
		{`?ERROR WARN`, "WARN", false}, // beside others the mark means nothing
		{`?ERROR WARN`, "WARN ERROR", true},
		{`%colou?r [0-9]{2}%`, "the color 42", true},
		{`%^colou?r%`, "the color", false},
		{`-%[hc]at%`, "hat", false},

		{`{ $.eventType = "UpdateTrail" }`, trail, true},
		{`{ $.eventType = UpdateTrail }`, trail, true},
		{`{$.eventType="Update*"}`, trail, true},
		{`{ $.eventType != "UpdateTrail" }`, trail, false},
		{`{ $.sourceIPAddress != 123.123.* }`, trail, true},
		{`{ $.sourceIPAddress = 111.*.111 }`, trail, true},
		{`{ $.arrayKey[0] = "value" }`, trail, true},
		{`{ $.arrayKey[1] = "value" }`, trail, false},
		{`{ $.arrayKey[*] = "another*" }`, trail, true},
		{`{ $.objectList[1].id = 2 }`, trail, true},
		{`{ $.objectList[*].id > 1 }`, trail, true},
		{`{ $.objectList[*].id > 2 }`, trail, false},
		{`{ $.SomeObject IS NULL }`, trail, true},
		{`{ $.SomeOtherObject NOT EXISTS }`, trail, true},
		{`{ $.ThisFlag NOT EXISTS }`, trail, false},
		{`{ $.ThisFlag EXISTS }`, trail, true},
		{`{ $.ThisFlag IS TRUE }`, trail, true},
		{`{ $.ThisFlag is false }`, trail, false},
		{`{ $.ms >= 1500 && $.ms < 1.501e3 }`, trail, true},
		{`{ ($.ms = 1 || $.ThisFlag IS TRUE) && $.eventType = %Trail$% }`, trail, true},
		{`{ $.ms = 1 || $.ThisFlag IS TRUE && $.eventType = "x" }`, trail, false},
		{`{ $.['odd.name'] = "x" }`, trail, true},
		{`{ $.missing != "x" }`, trail, false},
		{`{ $.eventType = "UpdateTrail" }`, "eventType UpdateTrail", false},
		{`{ $.eventType = "UpdateTrail" }`, `{"eventType":`, false},

		{`[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes]`, apache, true},
		{`[ip, user, username, timestamp, request, status_code = 5*, bytes]`, apache, false},
		{`[..., status_code = 4*, bytes > 1000]`, apache, true},
		{`[..., status_code = 404 || status_code = 410, bytes]`, apache, true},
		{`[..., (status_code = 403 || status_code = 410) && status_code > 1, bytes]`, apache, false},
		{`[ip, ..., bytes <= 1534]`, apache, true},
		{`[ip = %^127\.%, ...]`, apache, true},
		{`[w1 = ERROR, w2]`, "ERROR 01 and more\n", true},
		{`[w1 != ERROR && w1 != WARN, w2]`, "WARN 01", false},
		{`[w1, w2, w3]`, "two words", false},
		{`[a, b]`, `[not closed`, true},
	} {
		p, err := pattern.Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if got := p.Match([]byte(c.message)); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.message, got)
		}
	}
	if p, err := pattern.Parse(" "); p != nil || err != nil {
		t.Error(p, err)
	}
}

func TestInvalid(t *testing.T) {
	for text, want := range map[string]string{
		`""`:                          `Invalid character(s) in term '""'`,
		`a@b.c`:                       `Invalid character(s) in term 'a@b.c'`,
		`ERROR ? x`:                   `Invalid character(s) in term ''`,
		`%a(b)%`:                      `Invalid character(s) in term '%a(b)%'`,
		`"open`:                       "Invalid filter pattern",
		`%open`:                       "Invalid filter pattern",
		`{ $.a = 1`:                   "If a filter pattern starts with '{' it must end with '}'",
		`{`:                           "If a filter pattern starts with '{' it must end with '}'",
		`[a, b`:                       "If a filter pattern starts with '[' it must end with ']'",
		`{}`:                          "Invalid filter pattern",
		`{ a = 1 }`:                   "Invalid filter pattern",
		`{ $ = 1 }`:                   "Invalid filter pattern",
		`{ $.a }`:                     "Invalid filter pattern",
		`{ $.a = }`:                   "Invalid filter pattern",
		`{ $.a > x }`:                 "Invalid filter pattern",
		`{ $.a = 1 ) }`:               "Invalid filter pattern",
		`{ ($.a = 1 }`:                "Invalid filter pattern",
		`{ $.a IS MAYBE }`:            "Invalid filter pattern",
		`{ $.a[x] = 1 }`:              "Invalid filter pattern",
		`{ $.a = 1 && }`:              "Invalid filter pattern",
		`[]`:                          "Invalid filter pattern",
		`[a, ..., b, ...]`:            "Invalid filter pattern",
		`[a = 1 && b = 2]`:            "Invalid filter pattern",
		`[a = %x%, b = %y%, c = %z%]`: "Invalid filter pattern",
		`{ ` + strings.Repeat("(", 100) + `$.a = 1` + strings.Repeat(")", 100) + ` }`: "Invalid filter pattern",
	} {
		if _, err := pattern.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, not %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`?a -"b" %c%`, `{ ($.a[*].b = "x*" || $.c IS NULL) && $.d > 1e3 }`, `[a, ..., b = 4* && b != 404]`} {
		f.Add(seed, apache)
		f.Add(seed, trail)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		if p, err := pattern.Parse(text); err == nil && p != nil {
			p.Match([]byte(message))
		}
	})
}
