package mapping

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/aggregate"
)

const (
	testAccount = "123456789012"
	testRegion  = "eu-west-1"
)

// world is a Service amid streams, functions and queues that a test made up, in one bubble of virtual time. It keeps a
// journal of what can be seen from outside.
type world struct {
	t        *testing.T
	clock    clockwork.Clock
	began    time.Time
	tables   *fakeTables
	source   *fakeSource
	config   Config
	recorder fakeRecorder
	service  *Service
	epoch    *epoch // nil while the program is not running
	last     string // UUID of the mapping that was made last

	// How the store behaves from the next start on.
	latency time.Duration
	survive func() bool
	fails   func() bool

	mu        sync.Mutex
	functions map[string]*fakeFunction
	broken    int                                            // how many documents the destination will refuse
	records   map[stream.ShardKey]map[stream.Position]string // labels, and
	keys      map[string]string                              // the partition keys of labels
	mappings  map[string]int                                 // UUIDs, and the functions they lead to, in the order of their creation
	journal   []note
	requests  []string // ids in the order in which they were first seen
	shows     map[string]bool
	activity  chan struct{}                                // has an element when something was noted or committed
	decide    func(call *invoked) (outcome, time.Duration) // says what comes of an invocation, in place of the function
	onDone    func(call *invoked)                          // hears of invocations that succeeded
	documents []string
	objects   map[string]int // how often a document came under a key of a bucket
	batches   []history.ID   // in the order in which they were first named
}

// epoch is one run of the program.
type epoch struct {
	world   *world
	session *session
	cancel  context.CancelFunc
	stopped chan struct{} // closed when Run has returned
}

// note is a line of the journal.
type note struct {
	at time.Duration
	// These give an order to what happens at one moment; -1 comes first. Who is a mapping by its UUID or function.
	who         string
	shard, lane int
	kind, text  string
}

// fakeFunction answers as it is told.
type fakeFunction struct {
	failsOn    []string
	fails      int       // how many of the next invocations fail
	failsUntil time.Time // all that begin before do
	throttles  int
	faults     int
	pending    bool
	slow       time.Duration // how long each takes
	limit      int           // bytes of the largest event it takes; 0 for any
	deleted    bool
	replies
}

// invoked is one invocation as the function sees it.
type invoked struct {
	Function  string
	RequestID string
	Labels    []string
	Keys      []string
	Numbers   []string // the sequence numbers
	Shard     int
	Payload   []byte
	windowEvent
	// What the function answers and how many records it says are done, if decide made that up.
	reply []byte
	taken int
}

// lane returns the lane of the invocation's records, when a shard has so many of them.
func (call *invoked) lane(factor int) int {
	if len(call.Keys) == 0 {
		return 0
	}
	return laneOf(testHash(call.Keys[0]), factor)
}

func newWorld(t *testing.T) *world {
	clock := clockwork.NewRealClock()
	w := &world{
		t: t, clock: clock, began: clock.Now(), tables: newFakeTables(), source: newFakeSource(clock),
		functions: map[string]*fakeFunction{}, records: map[stream.ShardKey]map[stream.Position]string{}, keys: map[string]string{}, mappings: map[string]int{}, objects: map[string]int{},
		shows: map[string]bool{}, activity: make(chan struct{}, 1),
	}
	w.tables.onCommit = w.committed
	return w
}

// start starts the program.
func (w *world) start() {
	e := &epoch{world: w, stopped: make(chan struct{})}
	e.session = &session{fakeTables: w.tables, clock: w.clock, dead: make(chan struct{}), latency: w.latency, survive: w.survive, fails: w.fails}
	c := w.config
	c.Store, c.Clock, c.Source, c.Consumers, c.Invoker, c.Destination, c.Recorder = e.session, w.clock, w.source, w.source, e, e, &w.recorder
	c.Log = slog.New(slog.DiscardHandler)
	s, err := New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel, w.service, w.epoch = cancel, s, e
	go func() {
		defer close(e.stopped)
		if err := s.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
}

// stop stops the program in order.
func (w *world) stop() {
	w.epoch.cancel()
	<-w.epoch.stopped
	if held := w.service.buffered.Load(); held != 0 {
		w.t.Errorf("%d bytes are still held after the end", held)
	}
	w.epoch = nil
}

// crash ends the program without its having a say in it.
func (w *world) crash() {
	close(w.epoch.session.dead)
	w.stop()
}

func (e *epoch) isDead() bool {
	select {
	case <-e.session.dead:
		return true
	default:
		return false
	}
}

var errCrashed = errors.New("crashed")

// Find implements Invoker. Functions have no versions here.
func (e *epoch) Find(_ context.Context, ref function.Ref) (function.Function, error) {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	if f := e.world.functions[ref.Name.Name]; f == nil || f.deleted || ref.Qualifier != "" && ref.Qualifier != function.Latest {
		return function.Function{}, &function.NotFoundError{ARN: ref.ARN()}
	}
	return function.Function{Name: ref.Name, Role: "arn:aws:iam::123456789012:role/test"}, nil
}

// Invoke implements Invoker.
func (e *epoch) Invoke(ctx context.Context, in function.Invocation) (function.Result, error) {
	if e.isDead() {
		return function.Result{}, errCrashed
	}
	call, err := readEvent(in)
	if err != nil {
		e.world.t.Error(err)
	}
	result, outcome, slow, err := e.world.answer(&call)
	text := fmt.Sprintf("[%s]%s %s", strings.Join(call.Labels, " "), call.describe(e.world.began), outcome)
	if e.world.shows["ids"] {
		text = e.world.requestName(in.RequestID) + " " + text
	}
	if slow > 0 {
		text += " in " + slow.String()
	}
	if len(e.world.functions) > 1 {
		text = in.Name.Name + " " + text
	}
	e.world.note(call.Function, call.Shard, call.lane(e.world.factor(call.Function)), "invoke", text)
	if slow > 0 {
		select {
		case <-e.world.clock.After(slow):
		case <-e.session.dead:
			return function.Result{}, errCrashed
		case <-ctx.Done():
			e.world.note(call.Function, call.Shard, 0, "abandoned", "["+strings.Join(call.Labels, " ")+"]")
			return function.Result{}, ctx.Err()
		}
	}
	if e.world.onDone != nil && err == nil && result.FunctionError == "" {
		e.world.onDone(&call)
	}
	return result, err
}

// answer decides what comes of an invocation.
func (w *world) answer(call *invoked) (function.Result, string, time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.functions[call.Function]
	result := function.Result{ExecutedVersion: "$LATEST", RequestID: call.RequestID}
	if w.decide != nil {
		o, slow := w.decide(call)
		result.Payload = call.reply
		switch o {
		case refused:
			return result, "throttled", 0, &function.ThrottledError{Reason: function.ConcurrentInvocations}
		case failed:
			result.FunctionError = "Unhandled"
		}
		return result, "decided", slow, nil
	}
	switch {
	case f == nil || f.deleted:
		return result, "not found", 0, &function.NotFoundError{ARN: call.Function}
	case f.throttles > 0:
		f.throttles--
		return result, "throttled", 0, &function.ThrottledError{Reason: function.ConcurrentInvocations}
	case f.faults > 0:
		f.faults--
		return result, "fault", 0, errors.New("fault of the service")
	case f.pending:
		return result, "not ready", 0, &function.NotReadyError{State: "Pending"}
	case f.limit > 0 && len(call.Payload) > f.limit:
		return result, "too large", 0, &function.PayloadTooLargeError{Limit: f.limit}
	}
	failed := f.fails > 0 || w.clock.Now().Before(f.failsUntil) ||
		slices.ContainsFunc(call.Labels, func(l string) bool { return slices.Contains(f.failsOn, l) })
	f.fails = max(0, f.fails-1)
	if call.IsFinalInvokeForWindow && f.finalFails > 0 {
		f.finalFails--
		failed = true
	}
	if failed {
		result.FunctionError, result.ErrorType = "Unhandled", "Runtime.Unknown"
		result.Payload = []byte(`{"errorMessage":"no","errorType":"ValueError"}`)
		return result, "error", f.slow, nil
	}
	body, text := f.to(call)
	result.Payload = body
	return result, text, f.slow, nil
}

// readEvent reads an event as a function would.
func readEvent(in function.Invocation) (invoked, error) {
	call := invoked{Function: in.Name.Name, RequestID: in.RequestID, Payload: in.Payload}
	var event struct {
		Records []struct {
			Kinesis struct{ PartitionKey, SequenceNumber, Data string }
			EventID string
		}
		windowEvent
	}
	if err := json.Unmarshal(in.Payload, &event); err != nil {
		return call, fmt.Errorf("event: %w", err)
	}
	if call.windowEvent = event.windowEvent; call.Window != nil {
		var err error
		if call.Shard, err = strconv.Atoi(strings.TrimPrefix(call.ShardID, "shardId-")); err != nil {
			return call, fmt.Errorf("event: %w", err)
		}
	}
	for _, r := range event.Records {
		data, err := base64.StdEncoding.DecodeString(r.Kinesis.Data)
		if err != nil {
			return call, fmt.Errorf("event: %w", err)
		}
		call.Labels = append(call.Labels, labelOfData(data))
		call.Keys = append(call.Keys, r.Kinesis.PartitionKey)
		call.Numbers = append(call.Numbers, r.Kinesis.SequenceNumber)
		id, _, _ := strings.Cut(strings.TrimPrefix(r.EventID, "shardId-"), ":")
		if call.Shard, err = strconv.Atoi(id); err != nil {
			return call, fmt.Errorf("event: %w", err)
		}
	}
	return call, nil
}

// labelOf returns the label of a record of the newest stream that has it.
func (w *world) labelOf(shard uint32, p stream.Position) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	label, newest := "", uint64(0)
	for key, known := range w.records {
		if key.Index == shard && key.Stream >= newest && known[p] != "" {
			label, newest = known[p], key.Stream
		}
	}
	return label
}

func (w *world) keyOf(label string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keys[label]
}

// committed notes the checkpoints among the writes.
func (w *world) committed(writes []store.Write) {
	for _, write := range writes {
		if write.Table != checkpointTable {
			continue
		}
		uuid, _, _ := strings.Cut(write.Key, "\x00")
		incarnation, shard, part, err := splitCheckpointKey(write.Key)
		if err != nil {
			w.t.Error(err)
			continue
		}
		if part == openWindow {
			w.noteWindow(uuid, shard, write)
			continue
		}
		if write.Delete {
			if w.shows["summaries"] {
				w.note(uuid, int(shard), part.Lane, "forget", partName(shard, part))
			}
			continue
		}
		var fact checkpoint
		if err := json.Unmarshal(write.Value[1:], &fact); err != nil {
			w.t.Error(err)
		}
		label := w.label(stream.ShardKey{Stream: incarnation, Index: shard}, fact.Position)
		if fact.Sub > 0 {
			label = w.label(stream.ShardKey{Stream: incarnation, Index: shard}, fact.Position+1) + "/" + strconv.Itoa(int(fact.Sub))
		}
		switch {
		case fact.Complete:
			w.note(uuid, int(shard), 99, "complete", "shard "+strconv.Itoa(int(shard)))
		case part == summary && !w.shows["summaries"]:
		case part == summary:
			w.note(uuid, int(shard), 98, "summary", label+partName(shard, part))
		default:
			w.note(uuid, int(shard), part.Lane, "checkpoint", label+partName(shard, part))
		}
	}
	w.stir()
}

// noteWindow notes what is stored of an open window.
func (w *world) noteWindow(uuid string, shard uint32, write store.Write) {
	if write.Delete {
		w.note(uuid, int(shard), 0, "window", "closed"+partName(shard, wholeShard))
		return
	}
	var fact checkpoint
	if err := json.Unmarshal(write.Value[1:], &fact); err != nil {
		w.t.Error(err)
	}
	w.note(uuid, int(shard), 0, "window", stateText(fact.Window.State)+partName(shard, wholeShard))
}

func partName(shard uint32, part sector) string {
	name := ""
	if shard > 0 {
		name += fmt.Sprintf(" shard=%d", shard)
	}
	if part.Factor > 1 {
		name += fmt.Sprintf(" lane=%d/%d", part.Lane, part.Factor)
	}
	return name
}

func (w *world) label(key stream.ShardKey, p stream.Position) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if label := w.records[key][p]; label != "" {
		return label
	}
	return "start"
}

// requestName gives request ids names that are the same in every run.
func (w *world) requestName(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.requests, id)
	if i < 0 {
		i = len(w.requests)
		w.requests = append(w.requests, id)
	}
	return "r" + strconv.Itoa(i+1)
}

// factor returns today's factor of the mapping to a function.
func (w *world) factor(function string) int {
	for _, m := range w.service.All() {
		if m.Function.Name.Name == function {
			return m.Settings.ParallelizationFactor
		}
	}
	return 1
}

// note adds to the journal.
func (w *world) note(who string, shard, lane int, kind, text string) {
	w.mu.Lock()
	w.journal = append(w.journal, note{at: w.clock.Since(w.began), who: who, shard: shard, lane: lane, kind: kind, text: text})
	w.mu.Unlock()
	w.stir()
}

func (w *world) stir() {
	select {
	case w.activity <- struct{}{}:
	default:
	}
}

// flush returns the journal's lines since the last flush. What happens at one moment in several lanes has no order, and
// is given that of shards and lanes.
func (w *world) flush() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.journal, func(a, b note) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(w.mappings[a.who], w.mappings[b.who]), cmp.Compare(a.shard, b.shard), cmp.Compare(a.lane, b.lane))
	})
	var lines []string
	for _, n := range w.journal {
		lines = append(lines, strings.TrimRight(fmt.Sprintf("%-7s %-11s %s", n.at, n.kind, n.text), " "))
	}
	w.journal = nil
	return lines
}

// testHash returns the hash key of a partition key: the number itself if it is one, so that a test can choose lanes.
func testHash(key string) stream.Hash {
	if h, err := stream.ParseHash(key); err == nil {
		return h
	}
	return stream.HashOf(key)
}

// testRecord returns a record, whose data is its label and some padding.
func (w *world) testRecord(key, label string, age time.Duration, padding int) stream.Record {
	data := append(make([]byte, 0, len(label)+padding), label...)
	return stream.Record{
		Arrival: w.clock.Now().Add(-age), PartitionKey: key, Hash: testHash(key), Data: data[:len(label)+padding],
	}
}

// putRecords puts records into a shard with one call.
func (w *world) putRecords(name stream.Name, shard int, records ...stream.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	st, err := w.source.Describe(context.Background(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range records {
		w.keys[labelIn(&records[i])] = records[i].PartitionKey
	}
	at := stream.ShardKey{Stream: st.Number, Index: uint32(shard)}
	if w.records[at] == nil {
		w.records[at] = map[stream.Position]string{}
	}
	// Positions are known only after the put, and a lane may be quicker than this. It waits for the world's mutex.
	for _, r := range w.source.put(name, shard, records...) {
		w.records[at][r.Position] = labelIn(&r)
	}
}

// testPayload returns JSON in which labelOfData finds the label, with some padding behind it.
func testPayload(label, payload string, padding int) []byte {
	if members, ok := strings.CutPrefix(payload, "{"); ok {
		payload = labelHead + label + `",` + members
		if members == "}" {
			payload = labelHead + label + `"}`
		}
	}
	return []byte(payload + strings.Repeat(" ", padding))
}

const labelHead = `{"id":"`

func labelIn(r *stream.Record) string { return labelOfData(r.Data) }

func labelOfData(data []byte) string {
	if users, ok := aggregate.Decode(data); ok {
		labels := make([]string, len(users))
		for i := range users {
			labels[i] = labelOfData(users[i].Data)
		}
		return strings.Join(labels, "+")
	}
	if rest, ok := bytes.CutPrefix(data, []byte(labelHead)); ok {
		label, _, _ := bytes.Cut(rest, []byte{'"'})
		return string(label)
	}
	label, _, _ := bytes.Cut(data, []byte{0})
	return string(label)
}

// undone counts the records that no checkpoint covers.
func (w *world) undone() int {
	w.service.mu.RLock()
	e := w.service.entries[w.last]
	w.service.mu.RUnlock()
	if e == nil {
		return 0
	}
	r, _ := e.current()
	st, err := w.source.Describe(context.Background(), r.source())
	if err != nil {
		return 0
	}
	done, _, err := newCheckpoints(w.tables, r.UUID, st.Number).load(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	n := 0
	for i, sh := range w.source.streams[r.source()].shards {
		records := sh.records
		if _, ok := r.consumer(); ok {
			records, _ = unpack(records, &st.Shards[i])
		}
		for j := range records {
			if records[j].Position > sh.trimmed && !done[uint32(i)][wholeShard].Complete && !done[uint32(i)].done(&records[j]) {
				n++
			}
		}
	}
	return n
}

// settle lets time pass until every record is done, at most for the given time.
func (w *world) settle(limit time.Duration) bool {
	end := w.clock.NewTimer(limit)
	defer end.Stop()
	for {
		synctest.Wait()
		if w.undone() == 0 {
			return true
		}
		select {
		case <-w.activity:
		case <-end.Chan():
			return false
		}
	}
}
