package escape

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestAgainstTheStandardLibrary puts strings together from pieces of escapes: both read the same, or find that there is none.
func TestAgainstTheStandardLibrary(t *testing.T) {
	pieces := strings.Split(`a ü \" \\ \/ \b \f \n \r \t \x \u00e4 \uD83D \ude00 \u12 \uD83D\uDE00 \u000g \ 0 00e4 u`, " ")
	random := rand.New(rand.NewPCG(1, 2))
	valid := 0
	for range 20_000 {
		var raw string
		for range random.IntN(5) {
			raw += pieces[random.IntN(len(pieces))]
		}
		var want string
		isString := json.Unmarshal([]byte(`"`+raw+`"`), &want) == nil
		if got := wellFormed([]byte(raw)); got != isString {
			t.Fatalf("%q: well formed is %t", raw, got)
		}
		if !isString {
			continue
		}
		valid++
		if got := string(Undo([]byte("x"), []byte(raw))); got != "x"+want {
			t.Fatalf("%q: %q, want %q", raw, got, want)
		}
	}
	if valid < 5_000 {
		t.Errorf("only %d strings", valid)
	}
}

func wellFormed(s []byte) bool {
	for len(s) > 0 {
		n := 1
		switch s[0] {
		case '\\':
			n = Len(s)
		case '"':
			n = 0
		}
		if n == 0 {
			return false
		}
		s = s[n:]
	}
	return true
}
