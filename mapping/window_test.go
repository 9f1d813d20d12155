package mapping

import (
	"testing"
	"time"

	"github.com/millrace/millrace/stream"
)

// TestIsOver asks whether a window of the minute before noon is over.
// Facts: 3.3.6.
func TestIsOver(t *testing.T) {
	minute := tumbling{Start: noon.Unix() - 60, End: noon.Unix(), State: []byte("{}")}
	full, overfull := minute, minute
	full.State, overfull.State = make([]byte, maxState), make([]byte, maxState+1)
	record := func(after time.Duration) *stream.Record { return &stream.Record{Arrival: noon.Add(after)} }
	for _, c := range []struct {
		name   string
		window tumbling
		ahead  outlook
		after  time.Duration // noon
		want   bool
	}{
		{"within", minute, outlook{tip: true}, -time.Second, false},
		{"at its end", minute, outlook{tip: true}, 0, false},
		{"just before the lag has passed", minute, outlook{tip: true}, windowLag - 1, false},
		{"after the lag", minute, outlook{tip: true}, windowLag, true},
		{"after the lag, away from the tip", minute, outlook{}, time.Hour, false},
		{"a record of it is there", minute, outlook{next: record(-1), tip: true}, time.Hour, false},
		{"the shard has ended behind a record of it", minute, outlook{next: record(-1), ended: true}, time.Hour, false},
		{"a record of the next", minute, outlook{next: record(0)}, -time.Second, true},
		{"a record of the one before", minute, outlook{next: record(-time.Minute - 1)}, -time.Second, true},
		{"the shard has ended", minute, outlook{ended: true}, -time.Second, true},
		{"the largest state", full, outlook{tip: true}, -time.Second, false},
		{"too large a state", overfull, outlook{next: record(-1)}, -time.Second, true},
	} {
		if got := c.window.isOver(c.ahead, noon.Add(c.after)); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
