package mapping

import (
	"testing"
	"time"
)

// TestPhases goes through the table of transitions.
// Facts: 1.3.1, 1.3.2, 1.3.3, 1.3.4, 1.3.5, 1.3.6.
func TestPhases(t *testing.T) {
	until := noon.Add(time.Second)
	rest := func(s State) phase { return phase{Passing: Updating, Until: noon, Then: s} }
	yes, no := new(true), new(false)
	for _, c := range []struct {
		event       string
		phase       phase
		first, then State
	}{
		{"create", created(true, noon, time.Second), Creating, Enabled},
		{"create disabled", created(false, noon, time.Second), Creating, Disabled},
		{"enable", rest(Disabled).updated(yes, noon, time.Second), Enabling, Enabled},
		{"disable", rest(Enabled).updated(no, noon, time.Second), Disabling, Disabled},
		{"update enabled", rest(Enabled).updated(nil, noon, time.Second), Updating, Enabled},
		{"update disabled", rest(Disabled).updated(nil, noon, time.Second), Updating, Disabled},
		{"enable again", rest(Enabled).updated(yes, noon, time.Second), Updating, Enabled},
		{"disable again", rest(Disabled).updated(no, noon, time.Second), Updating, Disabled},
		{"delete", deleted(noon, time.Second), Deleting, gone},
	} {
		if got := c.phase.at(until.Add(-1)); got != c.first || !c.phase.inTransition(until.Add(-1)) {
			t.Errorf("%s: first %q, not %q", c.event, got, c.first)
		}
		if got := c.phase.at(until); got != c.then || c.phase.inTransition(until) {
			t.Errorf("%s: then %q, not %q", c.event, got, c.then)
		}
		if got := c.phase.at(noon.Add(-1)); got != c.then || c.phase.inTransition(noon.Add(-1)) {
			t.Errorf("%s: after the clock was set back %q, not %q", c.event, got, c.then)
		}
	}
}
