package wiretest

import (
	"regexp"
	"strings"
	"testing"
)

func TestMasks(t *testing.T) {
	masks := Masks{NewMask("TOKEN-%d", regexp.MustCompile(`Token":"([^"]+)`)), NewMask("ID-%d.", regexp.MustCompile(`\bAK[A-Z]+\b`))}
	for _, c := range []struct{ answer, want string }{
		{`{"Token":"a+/="}`, `{"Token":"TOKEN-1"}`},
		{`{"Token":"b","Next":{"Token":"a+/="}} AKB AKA AKB`, `{"Token":"TOKEN-2","Next":{"Token":"TOKEN-1"}} ID-1. ID-2. ID-1.`},
		{"nothing", "nothing"},
	} {
		if got := masks.Hide(c.answer); got != c.want {
			t.Errorf("hidden: %s, want %s", got, c.want)
		}
	}
	for i := range 10 {
		masks.Hide(`"Token":"` + strings.Repeat("x", i+1) + `"`)
	}
	for _, c := range []struct{ request, want string }{
		{`"TOKEN-1" TOKEN-1.&TOKEN-12 TOKEN-13 TOKEN-0`, `"a+/=" a%2B%2F%3D&xxxxxxxxxx TOKEN-13 TOKEN-0`},
		{"Id=ID-2.", "Id=AKA"},
	} {
		if got := masks.Show(c.request); got != c.want {
			t.Errorf("shown: %s, want %s", got, c.want)
		}
	}
}
