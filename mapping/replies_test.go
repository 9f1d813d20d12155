package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// replies are what a fake function answers when it does not fail. In a tumbling window it remembers in the state which
// records it has seen.
type replies struct {
	reports    []string // labels that it names as failed where they are in the event
	responds   string   // a response instead of its own; $LABEL stands for the label's sequence number
	stateBytes int      // how much larger the state becomes with each record
	stateless  bool     // it forgets to answer with a state
	finalFails int      // how many of the next final invocations fail
}

// seenState is the state of a fake function.
type seenState struct {
	Seen    []string `json:"seen,omitempty"`
	Padding string   `json:"padding,omitempty"`
}

// windowEvent is what an event says of its window.
type windowEvent struct {
	Window                                          *struct{ Start, End time.Time }
	State                                           json.RawMessage
	ShardID, EventSourceARN                         string
	IsFinalInvokeForWindow, IsWindowTerminatedEarly bool
}

// describe says what a transcript tells of an event's window.
func (e *windowEvent) describe(began time.Time) string {
	if e.Window == nil {
		return ""
	}
	text := fmt.Sprintf(" %s-%s %s", e.Window.Start.Sub(began), e.Window.End.Sub(began), stateText(e.State))
	if e.IsFinalInvokeForWindow {
		text += " final"
	}
	if e.IsWindowTerminatedEarly {
		text += " early"
	}
	return text
}

func stateText(state []byte) string {
	var seen seenState
	if err := json.Unmarshal(state, &seen); err != nil {
		return "state=" + string(state)
	}
	text := "{" + strings.Join(seen.Seen, " ") + "}"
	if n := len(seen.Padding); n > 0 {
		text += fmt.Sprintf("+%d", n)
	}
	return text
}

// to returns the response to an invocation and what a transcript tells of it.
func (r *replies) to(call *invoked) (body []byte, text string) {
	if r.responds != "" {
		text = r.responds
		for i, label := range call.Labels {
			text = strings.ReplaceAll(text, "$"+label, call.Numbers[i])
		}
		return []byte(text), "says " + r.responds
	}
	text = "ok"
	members := map[string]any{}
	taken := len(call.Labels)
	if r.reports != nil {
		items := []map[string]string{}
		for i, label := range call.Labels {
			if slices.Contains(r.reports, label) {
				taken = min(taken, i)
				items = append(items, map[string]string{"itemIdentifier": call.Numbers[i]})
				text += " but " + label
			}
		}
		members["batchItemFailures"] = items
	}
	if call.Window != nil && !r.stateless {
		members["state"] = r.remember(call.State, call.Labels[:taken])
	}
	body, _ = json.Marshal(members)
	return body, text
}

func (r *replies) remember(state []byte, labels []string) seenState {
	var seen seenState
	_ = json.Unmarshal(state, &seen)
	seen.Seen = append(seen.Seen, labels...)
	seen.Padding += strings.Repeat("x", r.stateBytes*len(labels))
	return seen
}
