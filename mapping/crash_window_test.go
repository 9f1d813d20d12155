package mapping

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// ordealWindows is what an ordeal knows of tumbling windows. The function's state is the list of the records that it has
// taken, so that the final invocations tell what became of each.
type ordealWindows struct {
	arrived map[string]time.Time // by label
	last    map[string]bool      // by label: whether the last delivery was in a window
	finals  []finalState
}

// finalState is a window with which a final invocation was done.
type finalState struct {
	shard int
	start time.Time
	seen  []string
}

// reply returns the function's response, which names the first record that is not taken.
func (o *ordeal) reply(call *invoked) []byte {
	members := map[string]any{}
	if call.taken < len(call.Labels) {
		members["batchItemFailures"] = []map[string]string{{"itemIdentifier": call.Numbers[call.taken]}}
	}
	if call.Window != nil {
		members["state"] = (&replies{}).remember(call.State, call.Labels[:call.taken])
		for _, label := range call.Labels {
			if at := o.windows.arrived[label]; at.Before(call.Window.Start) || !at.Before(call.Window.End) {
				o.t.Errorf("%s arrived at %v, and is in the window from %v to %v", label, at, call.Window.Start, call.Window.End)
			}
		}
	}
	body, _ := json.Marshal(members)
	return body
}

// done notes an invocation that succeeded.
func (w *ordealWindows) done(call *invoked) {
	for _, label := range call.Labels[:call.taken] {
		w.last[label] = call.Window != nil
	}
	if call.IsFinalInvokeForWindow {
		var state seenState
		_ = json.Unmarshal(call.State, &state)
		w.finals = append(w.finals, finalState{shard: call.Shard, start: call.Window.Start, seen: state.Seen})
	}
}

// crashed forgets the final invocations whose windows are still open after a crash: they will be repeated.
func (w *ordealWindows) crashed(done map[uint32]progress) {
	w.finals = slices.DeleteFunc(w.finals, func(f finalState) bool {
		open := done[uint32(f.shard)][openWindow].Window
		if open == nil || !f.start.Equal(time.Unix(open.Start, 0)) {
			return false
		}
		var state seenState
		_ = json.Unmarshal(open.State, &state)
		return slices.Equal(state.Seen, f.seen)
	})
}

// check fails for a record of a window that is not in exactly one final state, or whose final state is out of order, and
// for a window that was left open.
func (w *ordealWindows) check(o *ordeal) {
	count := map[string]int{}
	for _, f := range w.finals {
		for i, label := range f.seen {
			count[label]++
			if i > 0 && w.arrived[label].Before(w.arrived[f.seen[i-1]]) {
				o.t.Errorf("shard %d: %s comes after %s", f.shard, label, f.seen[i-1])
			}
		}
	}
	for label, windowed := range w.last {
		want := 0
		if windowed {
			want = 1
		}
		if count[label] != want {
			o.t.Errorf("%s is in %d final states, not in %d", label, count[label], want)
		}
	}
	done, _, err := newCheckpoints(o.tables, o.last, 1).load(context.Background())
	if err != nil {
		o.t.Error(err)
	}
	for shard, facts := range done {
		if open := facts[openWindow].Window; open != nil {
			o.t.Errorf("shard %d: a window is still open: %s", shard, open.State)
		}
	}
}
