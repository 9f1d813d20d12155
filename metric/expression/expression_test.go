package expression

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// known is a request with a few metrics.
type known map[string]*Series

func (k known) Lookup(id string) (*Series, error) {
	if s := k[id]; s != nil {
		return s, nil
	}
	return nil, errors.New("no " + id)
}

func (k known) Metrics(part string) (all []*Series, _ error) {
	for _, id := range []string{"a", "b", "gap", "none"} {
		if strings.Contains(id, part) {
			all = append(all, k[id])
		}
	}
	return all, nil
}

func series(values string) *Series {
	s := &Series{Start: 0, End: 240, Period: 60}
	for i, v := range strings.Fields(values) {
		var f float64
		if _, err := fmt.Sscan(v, &f); err == nil {
			s.add(int64(i)*60, f)
		}
	}
	return s
}

var request = known{"a": series("1 2 3 4"), "b": series("10 0 30 40"), "gap": series("- 5 - 9"), "none": series("")}

// show writes a series with a dash for each moment that it does not know.
func show(s *Series) string {
	words := []string{}
	for t := s.Start; t < s.End; t += s.Period {
		if i := slices.Index(s.Times, t); i >= 0 {
			words = append(words, fmt.Sprint(s.Values[i]))
		} else {
			words = append(words, "-")
		}
	}
	return strings.Join(words, " ")
}

func TestEvaluate(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a", "1 2 3 4"},
		{"a+b", "11 2 33 44"},
		{"b / a", "10 0 10 10"},
		{"a/b", "0.1 - 0.1 0.1"}, // nothing is divided by zero
		{"a + gap", "- 7 - 13"},
		{"gap - a", "- 3 - 5"},
		{"1 - 2 - a", "-2 -3 -4 -5"},
		{"2 + 3 * a", "5 8 11 14"},
		{"(2 + 3) * a", "5 10 15 20"},
		{"a * -1.5e1", "-15 -30 -45 -60"},
		{"a / SUM(a) * 100", "10 20 30 40"},
		{"a - MIN(a) + MAX([a])", "1 3 5 7"},
		{"SUM([a, b])", "11 2 33 44"},
		{"AVG([a, gap])", "1 3.5 3 6.5"},
		{"MAX(METRICS())", "10 5 30 40"},
		{`MIN(METRICS("a"))`, "1 2 3 4"},
		{"SUM(METRICS() * 2)", "22 14 66 106"},
		{"SUM(1 - [a, b])", "-9 0 -31 -42"},
		{"FILL(gap, 0)", "0 5 0 9"},
		{"FILL(gap, REPEAT)", "- 5 5 9"},
		{"FILL(gap, LINEAR)", "- 5 7 9"},
		{"FILL(none, 1 + 1)", "2 2 2 2"},
		{"SUM(FILL([a, gap], 0))", "1 7 3 13"},
		{"a / 0", "- - - -"},
		{"a * AVG(none)", "- - - -"},
	} {
		e, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got, err := e.Evaluate(request)
		if err != nil || show(got) != c.want {
			t.Errorf("%s is %v, %v", c.text, got, err)
		}
	}
}

func TestUses(t *testing.T) {
	e, err := Parse("a + SUM([b, a]) * FILL(c, 0)")
	if ids, all := e.Uses(); err != nil || all || !slices.Equal(ids, []string{"a", "b", "a", "c"}) {
		t.Error(ids, all, err)
	}
	if e, err = Parse("SUM(METRICS())"); err != nil || !e.all {
		t.Error(err)
	}
}

func TestSyntax(t *testing.T) {
	for _, text := range []string{
		"", "a +", "a b", "(a", "a)", "[a", "a ^ 2", "a > 1", "SUM(a, b)", "SUM()", "RATE(a)", "FILL(a)", "FILL(a, )", "1.2.3", "'a",
		"METRICS(a)", "SEARCH('x', 'y')", "ä", "a,", "FILL(a, 0", strings.Repeat("(", 2000), strings.Repeat("-", 2000) + "a",
	} {
		if _, err := Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, text := range []string{
		"1", "[a]", "METRICS()", "SUM(a)", "SUM(1)", "[a] + [b]", "[1]", "FILL(1, 0)", "FILL(a, b)", "SUM([])", "FILL(METRICS(), 0)", "unknown",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if s, err := e.Evaluate(request); err == nil {
			t.Errorf("%s is %v", text, s)
		} else if text != "unknown" && !errors.Is(err, ErrKind) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzParse finds no text that breaks the reader, or an expression that breaks on any values.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"a+b", "SUM([a, -b]) / 2e3", `FILL(METRICS("a"), LINEAR)`, "((a))"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := Parse(text); err == nil {
			_, _ = e.Evaluate(request)
		}
	})
}
