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
	// state says that the response has one.
	state bool
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
	} else if len(numbers) > 0 && w.dice.IntN(100) < m.namesFailed {
		p.taken = w.dice.IntN(len(numbers))
	}
	if l.windowed {
		p.respondWithState(w, l, asked)
		return
	}
	if p.taken == len(numbers) {
		p.payload = [][]byte{nil, []byte("null"), []byte(`{}`), []byte(`{"batchItemFailures":[]}`)}[w.dice.IntN(4)]
		return
	}
	p.payload, _ = json.Marshal(map[string]any{"batchItemFailures": w.itemsFrom(numbers, p.taken)})
}

// respondWithState is the same in a window, whose state tells of the records that the function has taken.
func (p *plan) respondWithState(w *world, l *link, asked *request) {
	response := map[string]any{}
	if p.taken < len(asked.numbers) {
		response["batchItemFailures"] = w.itemsFrom(asked.numbers, p.taken)
	}
	if !l.partial {
		p.taken = len(asked.numbers) // the items mean nothing
	}
	taken := slices.Clone(asked.state)
	for _, r := range asked.records[:p.taken] {
		taken = append(taken, r.label())
	}
	response["state"] = state{taken}
	p.state = true
	p.payload, _ = json.Marshal(response)
}

// item names a record that has failed.
type item struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// itemsFrom names the first record that has failed, and perhaps others behind it.
func (w *world) itemsFrom(numbers []string, first int) []item {
	items := []item{{numbers[first]}}
	for _, n := range numbers[first+1:] { // others may be named too, in any order; the first counts
		if w.dice.IntN(3) == 0 {
			items = append([]item{{n}}, items...)
		}
	}
	return items
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
	windowPart
}

func readEvent(payload []byte) (e event, err error) {
	if err = json.Unmarshal(payload, &e); err != nil {
		return e, fmt.Errorf("event is no JSON: %w", err)
	}
	return e, nil
}
