package wire

import "testing"

func TestUnitLength(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "é": 1, "€": 1, "😀": 2, "a\xffb": 3} {
		if got := UnitLength(s); got != want {
			t.Errorf("%q: %d", s, got)
		}
	}
}
