package wiretest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// jury keeps what a test would have said.
type jury struct {
	testing.TB
	said []string
}

func (j *jury) Helper()                      {}
func (j *jury) Errorf(form string, v ...any) { j.said = append(j.said, fmt.Sprintf(form, v...)) }

func (j *jury) Fatal(v ...any) { j.Fatalf("%s", fmt.Sprint(v...)) }

func (j *jury) Fatalf(form string, v ...any) {
	j.Errorf(form, v...)
	runtime.Goexit()
}

// verdict plays a story whose requests are answered with themselves.
func verdict(story string, pass func(time.Duration)) string {
	j, done := new(jury), make(chan struct{})
	go func() {
		defer close(done)
		s := &Story{archive: txtar.Parse([]byte(story))}
		s.Play(j, pass, func(request string) string { return request })
	}()
	<-done
	return strings.Join(j.said, "\n")
}

func TestPlay(t *testing.T) {
	const good = "-- one [AWS] --\na\n-- answer --\na\n"
	var passed time.Duration
	for _, c := range []struct{ story, want string }{
		{good, ""},
		{good + "-- after 30s: two [OPEN] --\nb\n-- answer --\nb\n", ""},
		{good + "-- two [PEER] --\nb\n-- answer --\nB\n", "two [PEER]\n--- got\nb\n--- want\nB\n"},
		{good + "-- two [PEER] --\nb\n", "two [PEER]\n--- got\nb\n--- want\n"},
		{good + "-- two --\nb\n-- answer --\nb\n", `section "two" wants a mark and an answer`},
		{good + "-- two [AWS] --\nb\n-- three [AWS] --\nc\n", `section "two [AWS]" wants a mark and an answer`},
		{good + "-- after noon: two [AWS] --\nb\n-- answer --\nb\n", `section "after noon: two [AWS]": no time passes`},
		{"only words\n", "a story without requests"},
	} {
		if got := verdict(c.story, func(d time.Duration) { passed += d }); got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s\n--- got\n%s\n--- want\n%s", c.story, got, c.want)
		}
	}
	if passed != 30*time.Second {
		t.Errorf("%v passed", passed)
	}
	if got := verdict("-- after 1s: one [AWS] --\na\n-- answer --\na\n", nil); !strings.Contains(got, "no time passes") {
		t.Errorf("where no time can pass: %q", got)
	}
}
