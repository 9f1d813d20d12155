package dev

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestPipedLinesHaveAPlainPrefix(t *testing.T) {
	var printed bytes.Buffer
	o := newOutput(&printed, false)
	o.say("a", "one\r\ntwo\r\u00a0three\n")
	o.say("a-longer-name", "four")
	o.say("a", "five \xff")
	o.say("a", "\n")
	wanted := "a        | one\na        | two\na        | \u00a0three\na-longer-name | four\na             | five \ufffd\na             | \n"
	if printed.String() != wanted {
		t.Errorf("printed %q", printed.String())
	}
}

func TestColours(t *testing.T) {
	var printed bytes.Buffer
	o := newOutput(&printed, true)
	o.say("a", "x")
	o.say("b", "\x1b[31mred")
	o.say("a", "END RequestId: 1")
	lines := strings.Split(printed.String(), "\n")
	a, b := palette[0], palette[1]
	for i, wanted := range []string{
		"\x1b[" + a + "ma        |\x1b[0m x",
		"\x1b[" + b + "mb        |\x1b[0m \x1b[31mred\x1b[0m",
		"\x1b[" + a + "ma        |\x1b[0m \x1b[2mEND RequestId: 1\x1b[0m",
	} {
		if lines[i] != wanted {
			t.Errorf("line %d is %q, not %q", i, lines[i], wanted)
		}
	}
}

func TestLinesOfFunctionsLeaveTheServersLog(t *testing.T) {
	var printed, logged bytes.Buffer
	rest := slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn})
	log := slog.New(&logHandler{out: newOutput(&printed, false), dir: "/home/me/functions", rest: rest})
	hash := strings.Repeat("0f", 32)

	log.Debug("detail")
	log.Warn("odd", "function", "f")
	f := log.With("function", "f", "stream", "s")
	f.Debug("function log", "line", `File "/tmp/x/code/functions/run-12/`+hash+`/app.py" and /var/task/b.py`)
	f.Debug("something else", "line", "no")
	f.Error("broken")

	if want := "f        | File \"/home/me/functions/f/app.py\" and /home/me/functions/f/b.py\n"; printed.String() != want {
		t.Errorf("printed %q", printed.String())
	}
	text := logged.String()
	if strings.Count(text, "\n") != 2 || !strings.Contains(text, "msg=odd function=f") || !strings.Contains(text, "msg=broken function=f stream=s") {
		t.Errorf("logged %q", text)
	}
}
