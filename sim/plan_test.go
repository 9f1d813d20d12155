package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/function"
)

// kind is how an invocation ends.
type kind int

const (
	answer  kind = iota // with a response
	raise               // the function reports an error
	crash               // its process ends
	huge                // its response is larger than can be
	gone                // its process had ended before it saw the event
	refusal             // the function was not reached, or never started
)

// plan is what is to come of an invocation that has reached its function.
type plan struct {
	kind    kind
	takes   time.Duration
	payload []byte
	// taken is how many records at the front of the event are done if the function's mapping reads responses.
	taken int
}

// mood is how a function behaves for a while, in percent of its invocations.
type mood struct {
	raises, crashes, vanishes int
	garbles, misnames, bloats int
	startsBadly               int
	slowest                   time.Duration
	namesFailed               int
}

// startOf says how long an instance takes to start, and why it does not if so.
func (w *world) startOf(name string) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	took := time.Duration(w.dice.IntN(30)) * time.Millisecond
	if w.dice.IntN(100) < w.moods[name].startsBadly {
		return took, &function.InitError{ErrorType: function.ErrorExit, Message: "exit status 1"}
	}
	return took, nil
}

// planOf decides what comes of an invocation.
func (w *world) planOf(name string, r function.Request) plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, l := w.moods[name], w.linkOf(name)
	p := plan{takes: time.Duration(w.dice.IntN(20)) * time.Millisecond, payload: []byte("null")}
	var asked *request
	if l != nil {
		if asked = l.requests[r.ID]; asked == nil {
			l = nil // the invocation was a breach of its own
		} else {
			p.taken = len(asked.records)
		}
	}
	if m.slowest > 0 {
		p.takes = time.Duration(w.dice.Int64N(int64(m.slowest)))
	}
	chance := func(percent int) bool { return w.dice.IntN(100) < percent }
	switch {
	case l == nil: // nobody's function, which only takes time
	case chance(m.vanishes):
		p.kind = gone
	case chance(m.crashes):
		p.kind = crash
	case chance(m.raises), !l.partial && w.poisoned(l, asked.records) >= 0:
		p.kind = raise
	case chance(m.bloats):
		p.kind = huge
	case chance(m.garbles):
		p.payload, p.taken = []byte(`"not what was asked for"`), 0
	case chance(m.misnames):
		p.payload, p.taken = []byte(`{"batchItemFailures":[{"itemIdentifier":"49590338271490256608559692538361571095921575989136588898"}]}`), 0
	default:
		p.respond(w, m, l, asked)
	}
	w.plans[r.ID] = p
	return p
}

// respond gives the plan a response in the right form, which may name items that have failed.
func (p *plan) respond(w *world, m mood, l *link, asked *request) {
	numbers := asked.numbers
	if i := w.poisoned(l, asked.records); i >= 0 {
		p.taken = i
	} else if w.dice.IntN(100) < m.namesFailed {
		p.taken = w.dice.IntN(len(numbers))
	}
	if p.taken == len(numbers) {
		p.payload = [][]byte{nil, []byte("null"), []byte(`{}`), []byte(`{"batchItemFailures":[]}`)}[w.dice.IntN(4)]
		return
	}
	type item struct {
		ItemIdentifier string `json:"itemIdentifier"`
	}
	items := []item{{numbers[p.taken]}}
	for _, n := range numbers[p.taken+1:] { // others may be named too, in any order; the first counts
		if w.dice.IntN(3) == 0 {
			items = append([]item{{n}}, items...)
		}
	}
	p.payload, _ = json.Marshal(map[string]any{"batchItemFailures": items})
}

// poisoned returns which record is the first that the link's function cannot take, or -1.
func (w *world) poisoned(l *link, records []*record) int {
	if !l.givesUp || w.healed {
		return -1
	}
	return slices.IndexFunc(records, func(r *record) bool { return r.poison })
}

// event is what of an event matters here.
type event struct {
	Records []struct {
		EventID string `json:"eventID"`
		Kinesis struct {
			PartitionKey                string  `json:"partitionKey"`
			SequenceNumber              string  `json:"sequenceNumber"`
			Data                        []byte  `json:"data"`
			ApproximateArrivalTimestamp float64 `json:"approximateArrivalTimestamp"`
		} `json:"kinesis"`
		EventSourceARN string `json:"eventSourceARN"`
	}
}

func readEvent(payload []byte) (e event, err error) {
	if err = json.Unmarshal(payload, &e); err != nil {
		return e, fmt.Errorf("event is no JSON: %w", err)
	}
	return e, nil
}
