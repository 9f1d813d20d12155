package filter

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/race"
)

// agree compiles a pattern and lets the three ways of matching judge a record. It returns whether the pattern is one, and
// the answer.
func agree(t *testing.T, pattern string, r *Record) (valid, matched bool) {
	t.Helper()
	s, err := Compile(pattern)
	if err != nil {
		return false, false
	}
	matched = s.Match(r)
	if again := s.Match(r); again != matched {
		t.Errorf("%s on %q: %v, and then %v", pattern, r.Data, matched, again)
	}
	if told := s.Explain(r); told.Matched != matched {
		t.Errorf("%s on %q: %v, explained %+v", pattern, r.Data, matched, told)
	}
	if plain := plainMatch(pattern, r); plain != matched {
		t.Errorf("%s on %q: %v, plainly %v", pattern, r.Data, matched, plain)
	}
	return true, matched
}

// dice makes patterns and payloads of few names and values, so that they often meet.
type dice struct{ *rand.Rand }

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

func (d dice) list(n int, of func() string) string {
	parts := make([]string, 1+d.IntN(n))
	for i := range parts {
		parts[i] = of()
	}
	return strings.Join(parts, ",")
}

func (d dice) name() string { return d.one(`"a"`, `"b"`, `"c"`, `"\u0061"`, `"$or"`) }

func (d dice) text() string {
	return d.one(`""`, `"x"`, `"X"`, `"xy"`, `"xyx"`, `"yx"`, `"\u0078y"`, `"x\ny"`, `"ü"`, `"Ü"`, `"\ud83d\ude00"`, `"\ud83d"`, `"10.0.0.1"`, `"::1"`)
}

func (d dice) number() string {
	return d.one("0", "-0", "1", "1.0", "10e-1", "10", "1e1", "-3", "0.5", "5e-1", "123456789012345678901", "123456789012345678902")
}

func (d dice) scalar() string {
	return d.one(d.text(), d.text(), d.number(), d.one("true", "false", "null"))
}

func (d dice) test() string {
	switch d.IntN(12) {
	case 0:
		return `{"exists":` + d.one("true", "false") + `}`
	case 1:
		return fmt.Sprintf(`{%q:%s}`, d.one("prefix", "suffix", "equals-ignore-case"), d.text())
	case 2:
		return fmt.Sprintf(`{%q:{"equals-ignore-case":%s}}`, d.one("prefix", "suffix"), d.text())
	case 3:
		return `{"wildcard":"` + strings.Join([]string{d.one("", "*", "x"), d.one("y", "x", `\\*`), d.one("", "*"), d.one("", "x", "y*")}, "") + `"}`
	case 4:
		return fmt.Sprintf(`{"numeric":[%q,%s]}`, d.one("=", "<", "<=", ">", ">="), d.number())
	case 5:
		return fmt.Sprintf(`{"numeric":[%q,%s,%q,%s]}`, d.one(">", ">="), d.number(), d.one("<", "<="), d.number())
	case 6:
		return `{"anything-but":[` + d.one(d.list(2, d.text), d.list(2, d.number)) + `]}`
	case 7:
		return fmt.Sprintf(`{"anything-but":{%q:[%s]}}`, d.one("prefix", "suffix", "equals-ignore-case", "wildcard"), d.list(2, d.text))
	case 8:
		return `{"cidr":` + d.one(`"10.0.0.0/8"`, `"::/64"`) + `}`
	}
	return d.scalar()
}

func (d dice) pattern(depth int) string {
	return "{" + d.list(3, func() string {
		switch n := d.IntN(6); {
		case n == 0 && depth > 0:
			return `"$or":[` + d.pattern(depth-1) + "," + d.pattern(depth-1) + "]"
		case n < 3 && depth > 0:
			return d.name() + ":" + d.pattern(depth-1)
		}
		return d.name() + ":[" + d.list(3, d.test) + "]"
	}) + "}"
}

func (d dice) value(depth int) string {
	switch n := d.IntN(6); {
	case n == 0 && depth > 0:
		return d.object(depth - 1)
	case n == 1 && depth > 0:
		return d.one("[]", "{}", "[ "+d.list(3, func() string { return d.value(depth - 1) })+"]")
	}
	return d.scalar()
}

func (d dice) object(depth int) string {
	return "{" + d.list(4, func() string { return d.name() + d.one(":", " : ") + d.value(depth) }) + "}"
}

// TestAgreement lets chance make patterns and payloads, some of them broken.
// Facts: 6.8.
func TestAgreement(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 2))}
	rounds, valid, matched := 40_000, 0, 0
	if race.Enabled {
		rounds = 4_000
	}
	for range rounds {
		pattern, data := `{"data":`+d.pattern(2)+`}`, d.object(3)
		switch d.IntN(20) {
		case 0:
			pattern = `{"$or":[` + pattern + `,{"partitionKey":["x",{"prefix":"k"}]}]}`
		case 1:
			i := d.IntN(len(data))
			data = data[:i] + data[i+1:]
		case 2:
			data = data[:d.IntN(len(data))]
		}
		v, m := agree(t, pattern, &Record{Data: []byte(data), PartitionKey: d.one("k", "l")})
		if v {
			valid++
		}
		if m {
			matched++
		}
		if t.Failed() {
			return
		}
	}
	if valid < rounds/2 || matched < valid/20 || matched > valid/2 {
		t.Errorf("of %d patterns %d were valid and %d matched: that proves little", rounds, valid, matched)
	}
}

// farExponents are numbers whose fractions would take the plain way forever.
var farExponents = regexp.MustCompile(`[0-9][eE][-+]?0*[0-9]{4}`)

func FuzzAgreement(f *testing.F) {
	d := dice{rand.New(rand.NewPCG(3, 4))}
	for range 20 {
		f.Add(`{"data":`+d.pattern(1)+`}`, []byte(d.object(2)), "k")
	}
	f.Fuzz(func(t *testing.T, pattern string, data []byte, key string) {
		if farExponents.MatchString(pattern) || farExponents.Match(data) || len(data) > 1<<12 {
			return
		}
		if strings.Count(string(data), "[")+strings.Count(string(data), "{") >= maxDepth {
			return // which the plain way allows
		}
		agree(t, pattern, &Record{Data: data, PartitionKey: strings.ToValidUTF8(key, "")})
	})
}

// FuzzCompile lets no pattern bring the compiler down, nor one that is valid the matching.
func FuzzCompile(f *testing.F) {
	d := dice{rand.New(rand.NewPCG(5, 6))}
	for range 20 {
		f.Add(`{"data":`+d.pattern(2)+`}`, `{"partitionKey":["x"]}`)
	}
	records := make([]*Record, 10)
	for i := range records {
		records[i] = &Record{Data: []byte(d.object(3)), PartitionKey: "x", ApproximateArrivalTimestamp: "1.5"}
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		s, err := Compile(one, other)
		if err != nil {
			if err.Error() == "" {
				t.Error("no reason is given")
			}
			return
		}
		for _, r := range records {
			if s.Match(r) != s.Explain(r).Matched {
				t.Errorf("%s or %s on %s: %+v", one, other, r.Data, s.Explain(r))
			}
		}
	})
}

// onePayload is a JSON object of a kibibyte.
func onePayload() []byte {
	var b strings.Builder
	b.WriteString(`{"id":"6f1c","type":"sale","price":12.5,"tags":["a","b"],"customer":{"name":"J. \u00c5ngstr\u00f6m","address":{"city":"Uppsala","zip":"75105"}}`)
	for i := 0; b.Len() < 1000; i++ {
		fmt.Fprintf(&b, `,"field%d":%d,"text%d":"some text"`, i, i*1000, i)
	}
	return append([]byte(b.String()), `,"z":1}`...)
}

var benchPattern = `{"data":{"type":["sale","refund"],"price":[{"numeric":[">",0,"<=",100]}]}}`

// TestMatchAllocatesNothing is what a reader of a busy shard relies on.
func TestMatchAllocatesNothing(t *testing.T) {
	s, err := Compile(benchPattern, `{"data":{"customer":{"address":{"city":[{"prefix":"Upp"}]},"name":["x"]}},"partitionKey":["k"]}`)
	if err != nil {
		t.Fatal(err)
	}
	r := &Record{Data: onePayload(), PartitionKey: "k"}
	if !s.Match(r) {
		t.Error("the payload does not match")
	}
	if race.Enabled {
		return // the detector has pools forget some of what they are given
	}
	if n := testing.AllocsPerRun(1000, func() { s.Match(r) }); n >= 1 { // the pool may be emptied in between
		t.Errorf("%v allocations a match", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	s, err := Compile(benchPattern)
	if err != nil {
		b.Fatal(err)
	}
	r := &Record{Data: onePayload(), PartitionKey: "k"}
	b.SetBytes(int64(len(r.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if !s.Match(r) {
			b.Fatal("no match")
		}
	}
}
