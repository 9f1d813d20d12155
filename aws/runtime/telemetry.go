package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Telemetry is one thing that is told of the environment.
type Telemetry struct {
	Time time.Time
	// Type is "function" or "extension" for a line, and otherwise begins with "platform.".
	Type string
	// Line is what was printed; it is not kept.
	Line []byte
	// Record is JSON, when there is no line.
	Record []byte
}

// telemetryAPI is one of the two ways to subscribe.
type telemetryAPI struct {
	// name is how errors and events call it.
	name string
	// schemas are the versions of its documents.
	schemas []string
}

var (
	currentAPI = telemetryAPI{"Telemetry", []string{"2022-07-01", "2022-12-13", "2025-01-29"}}
	olderAPI   = telemetryAPI{"Logs", []string{"2020-08-15", "2021-03-18"}}
)

// tells reports whether subscribers with a version of the documents are told of a type.
func (a telemetryAPI) tells(kind, schema string) bool {
	current := a.name == currentAPI.name
	switch {
	case kind == "platform.end", kind == "platform.fault", kind == "platform.logsSubscription":
		return !current
	case strings.HasPrefix(kind, "platform.init"), kind == "platform.telemetrySubscription":
		return current
	case kind == "platform.runtimeDone":
		return schema != olderAPI.schemas[0]
	}
	return true
}

const (
	// maxEarly bounds what is kept, in number and bytes, for those who subscribe while the environment initializes.
	maxEarly      = 1000
	maxEarlyBytes = 256 << 10
)

// errSubscriptionsClosed says that the environment has initialized.
var errSubscriptionsClosed = errors.New("subscriptions are closed")

// relay hands telemetry on to those who have subscribed to it.
type relay struct {
	jsonLines bool // functions print JSON documents

	idle atomic.Bool // nobody listens, and nobody will

	mu          sync.Mutex
	subscribers []*subscriber
	open        bool        // to new subscribers
	early       []Telemetry // what new ones are told first
	earlyBytes  int
	running     sync.WaitGroup
}

// publish tells everybody.
func (r *relay) publish(t Telemetry) {
	if r.idle.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.subscribers {
		r.tell(s, t)
	}
	if size := len(t.Line) + len(t.Record); r.open && len(r.early) < maxEarly && r.earlyBytes+size <= maxEarlyBytes {
		t.Line = bytes.Clone(t.Line)
		r.early = append(r.early, t)
		r.earlyBytes += size
	}
}

func (r *relay) tell(s *subscriber, t Telemetry) {
	category, _, _ := strings.Cut(t.Type, ".")
	if s.types[category] && s.api.tells(t.Type, s.schema) {
		s.offer(r.document(t, s.schema))
	}
}

// telemetryTime is the form of times in it.
const telemetryTime = "2006-01-02T15:04:05.000Z"

// document is telemetry as subscribers get it.
func (r *relay) document(t Telemetry, schema string) []byte {
	record := t.Record
	if record == nil {
		record = r.lineRecord(t, schema)
	}
	out := make([]byte, 0, len(record)+80)
	out = append(out, `{"time":"`...)
	out = t.Time.UTC().AppendFormat(out, telemetryTime)
	out = append(out, `","type":"`...)
	out = append(out, t.Type...)
	out = append(out, `","record":`...)
	out = append(out, record...)
	return append(out, '}')
}

// lineRecord is a line as a record: a text, or the document that it is. The first version of the documents knows only texts.
func (r *relay) lineRecord(t Telemetry, schema string) []byte {
	if r.jsonLines && t.Type == "function" && schema > currentAPI.schemas[0] {
		if line := bytes.TrimSpace(t.Line); len(line) > 0 && line[0] == '{' && json.Valid(line) {
			return line
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(string(t.Line)); err != nil {
		return []byte(`""`) // texts always encode
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// subscribe adds a subscriber, who is told what the others were told already. It reports false for one who has subscribed
// before.
func (r *relay) subscribe(s *subscriber) (added bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.open {
		return false, errSubscriptionsClosed
	}
	for _, other := range r.subscribers {
		if other.name == s.name && other.api.name == s.api.name {
			return false, nil
		}
	}
	r.subscribers = append(r.subscribers, s)
	for _, t := range r.early {
		r.tell(s, t)
	}
	r.running.Go(s.run)
	return true, nil
}

// shut lets nobody subscribe any more.
func (r *relay) shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open, r.early = false, nil
	r.idle.Store(len(r.subscribers) == 0)
}

// flush has everything sent that there is, and waits until it is, but not longer than d.
func (r *relay) flush(d time.Duration) {
	r.mu.Lock()
	all := append([]*subscriber{}, r.subscribers...)
	r.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	for _, s := range all {
		select {
		case <-s.flush():
		case <-timer.C:
			return
		}
	}
}

// close ends all subscriptions and returns when nothing of them is left.
func (r *relay) close() {
	r.shut()
	r.mu.Lock()
	for _, s := range r.subscribers {
		s.cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
}
