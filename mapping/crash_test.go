package mapping

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// ordeal is a mapping under a load and disturbances that chance chooses, and what must hold meanwhile.
type ordeal struct {
	*world
	random *rand.Rand // of the test's own goroutine; others use chance and upTo
	dice   struct {
		sync.Mutex
		*rand.Rand
	}
	keys    []string
	home    map[string]int   // the shard of each key
	open    []int            // shards that take records
	sent    map[string][]int // by key: the records' numbers in order
	total   int
	partial bool // the mapping has ReportBatchItemFailures, and the function names failed items
	windows ordealWindows
	unfit   []string // keys whose records the mapping's filter lets not pass
	passed  int      // records of these
	padding int      // bytes of each record beside its label
	kept    ordealKept
	factors []int // that the mapping had, one after the other
	fan     *ordealConsumer

	calls     int
	before    int              // calls of before the last crash
	delivered map[string][]int // by label: the invocations that took it
	exposed   map[string]int   // by label: how many crashes may have lost the checkpoint behind it
}

func newOrdeal(t *testing.T, seed uint64) *ordeal {
	o := &ordeal{
		world: newWorld(t), random: rand.New(rand.NewPCG(seed, 3)),
		home: map[string]int{}, sent: map[string][]int{}, delivered: map[string][]int{}, exposed: map[string]int{},
		windows: ordealWindows{arrived: map[string]time.Time{}, last: map[string]bool{}},
	}
	o.kept.watch(o, seed%4 == 1)
	o.partial = o.random.IntN(2) == 0
	o.dice.Rand = rand.New(rand.NewPCG(seed, 4))
	if seed%2 == 1 {
		o.fan = &ordealConsumer{random: rand.New(rand.NewPCG(seed, 5))}
	}
	if seed%3 == 0 {
		o.unfit = []string{"k0", "k2", "k5"}
	}
	chance := func(percent int) bool { return o.upTo(100) < percent }
	if chance(30) { // lanes are full with two records, and the others go on without them
		o.config.BufferBytes, o.padding = 1, 40_000
	}
	o.world.latency = time.Duration(o.random.IntN(3)) * time.Millisecond
	failing := 15
	if o.kept.on { // crashes should come while records are being given up
		o.world.latency, failing = 10*time.Millisecond, 40
	}
	o.world.survive = func() bool { return chance(50) }
	troubled := chance(20)
	o.world.fails = func() bool { return troubled && chance(5) }
	o.decide = func(call *invoked) (outcome, time.Duration) { // called under the mutex
		o.checkOrder(call)
		slow := time.Duration(o.upTo(20)) * time.Millisecond
		switch {
		case chance(10):
			return refused, 0
		case chance(failing):
			return failed, slow
		}
		call.taken = len(call.Labels)
		if o.partial && call.taken > 0 && chance(20) {
			call.taken = o.upTo(call.taken)
			// What is named is the first of the records with this number.
			call.taken = slices.Index(call.Numbers, call.Numbers[call.taken])
		}
		call.reply = o.reply(call)
		return delivered, slow
	}
	o.onDone = func(call *invoked) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.calls++
		o.windows.done(call)
		for _, label := range call.Labels[:call.taken] {
			o.delivered[label] = append(o.delivered[label], o.calls)
			if again := len(o.delivered[label]) - 1; again > o.exposed[label] {
				o.t.Errorf("%s was delivered again although no crash had endangered it", label)
			}
		}
	}
	return o
}

func (o *ordeal) upTo(n int) int {
	o.dice.Lock()
	defer o.dice.Unlock()
	return o.dice.IntN(n)
}

// insist does what the store may refuse for a passing reason until it does not.
func (o *ordeal) insist(do func() error) {
	for err := do(); err != nil; err = do() {
		if !errors.Is(err, store.ErrFull) {
			o.t.Fatal(err)
		}
		<-o.clock.After(time.Millisecond)
	}
}

// checkOrder sees to it that whatever was put before a record under its key has been delivered when the record is
// handed to the function, or is handed to it before the record in the same event.
func (o *ordeal) checkOrder(call *invoked) {
	here := map[string]bool{}
	for i, label := range call.Labels {
		if slices.Contains(o.unfit, call.Keys[i]) {
			o.t.Errorf("%s reaches the function, which no filter matches", label)
		}
		n, _ := strconv.Atoi(strings.TrimPrefix(label, call.Keys[i]+"."))
		for _, before := range o.sent[call.Keys[i]] {
			if before >= n {
				break
			}
			if l := fmt.Sprintf("%s.%d", call.Keys[i], before); len(o.delivered[l]) == 0 && !here[l] && o.kept.records[l] == 0 {
				o.t.Errorf("%s reaches the function before %s has", label, l)
			}
		}
		here[label] = true
	}
}

func (o *ordeal) begin() {
	shards := 1 + o.random.IntN(3)
	o.source.create(streamName("orders"), shards, 0)
	for i := range shards {
		o.open = append(o.open, i)
	}
	for i := range 4 + o.random.IntN(12) {
		key := fmt.Sprintf("k%d", i)
		o.keys = append(o.keys, key)
		o.home[key] = o.random.IntN(shards)
	}
	o.functions["charge"] = &fakeFunction{}
	o.start()
	s := o.settings()
	var consumer stream.ConsumerID
	if o.fan != nil {
		consumer = o.source.register(streamName("orders"), "fan")
		o.fan.id = consumer
	}
	o.insist(func() error {
		m, err := o.service.Create(context.Background(), CreateInput{
			Account: testAccount, Region: testRegion, Source: streamName("orders"), Function: functionRef("charge"),
			Start: stream.Start{Type: stream.TrimHorizon}, Settings: s, Consumer: consumer,
		})
		o.last, o.factors = m.UUID, []int{s.ParallelizationFactor}
		return err
	})
}

func (o *ordeal) settings() Settings {
	s := Defaults()
	s.BatchSize = 1 + o.random.IntN(6)
	s.ParallelizationFactor = 1 + o.random.IntN(4)
	s.MaximumBatchingWindow = max(0, o.random.IntN(4)-2)
	s.BisectBatchOnFunctionError = o.random.IntN(2) == 0
	s.ReportBatchItemFailures = o.partial
	if o.kept.on {
		s.MaximumRetryAttempts = o.random.IntN(2)
	} else if o.random.IntN(2) == 0 {
		s.TumblingWindow, s.ParallelizationFactor = 1+o.random.IntN(2), 1
	}
	if len(o.unfit) > 0 {
		s.TumblingWindow = 0 // which excludes filters
		s.Filters = []string{`{"partitionKey":[{"anything-but":["` + strings.Join(o.unfit, `","`) + `"]}]}`}
	}
	return s
}

// put puts some records, each into the shard of its key.
func (o *ordeal) put() {
	byShard := map[int][]stream.Record{}
	o.mu.Lock()
	for range 1 + o.random.IntN(12) {
		key := o.keys[o.random.IntN(len(o.keys))]
		o.total++
		r := o.testRecord(key, fmt.Sprintf("%s.%d", key, o.total), 0, o.padding)
		o.windows.arrived[labelIn(&r)] = r.Arrival
		if slices.Contains(o.unfit, key) {
			o.passed++
		} else {
			o.sent[key] = append(o.sent[key], o.total)
		}
		byShard[o.home[key]] = append(byShard[o.home[key]], r)
	}
	o.mu.Unlock()
	for shard, records := range byShard {
		records = o.fan.pack(records)
		o.putRecords(streamName("orders"), shard, records...)
	}
}

// split closes a shard and spreads its keys over its two children.
func (o *ordeal) split() {
	i := o.random.IntN(len(o.open))
	parent := o.open[i]
	o.source.reshard(streamName("orders"), int64(parent))
	st, _ := o.source.Describe(context.Background(), streamName("orders"))
	children := []int{len(st.Shards) - 2, len(st.Shards) - 1}
	o.open = append(slices.Delete(o.open, i, i+1), children...)
	for _, key := range o.keys {
		if o.home[key] == parent {
			o.home[key] = children[o.random.IntN(2)]
		}
	}
}

// change updates the mapping.
func (o *ordeal) change() {
	s := o.settings()
	o.factors = append(o.factors, s.ParallelizationFactor)
	o.update(Change{
		BatchSize: &s.BatchSize, MaximumBatchingWindow: &s.MaximumBatchingWindow, ParallelizationFactor: &s.ParallelizationFactor,
		TumblingWindow: &s.TumblingWindow, BisectBatchOnFunctionError: &s.BisectBatchOnFunctionError, Enabled: new(o.random.IntN(5) > 0),
	})
}

func (o *ordeal) update(c Change) {
	o.insist(func() error {
		_, err := o.service.Update(context.Background(), testAccount, testRegion, o.last, c)
		return err
	})
}

// crashAndCheck crashes the program. Of what was delivered in each lane, the checkpoint behind one batch may be
// missing, and no more.
func (o *ordeal) crashAndCheck() {
	o.crash()
	done, _, err := newCheckpoints(o.tables, o.last, 1).load(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	calls := map[int]map[int][]stream.Record{} // by shard and invocation
	o.mu.Lock()
	defer o.mu.Unlock()
	o.windows.crashed(done)
	o.kept.check(o, done)
	st := o.source.streams[streamName("orders")]
	for i, sh := range st.shards {
		records, _ := unpack(sh.records, &st.Shards[i])
		for j := range records {
			r := &records[j]
			taken := o.delivered[labelIn(r)]
			if len(taken) == 0 || taken[len(taken)-1] <= o.before || done[uint32(i)].done(r) || done[uint32(i)][wholeShard].Complete {
				continue
			}
			o.exposed[labelIn(r)]++
			if calls[i] == nil {
				calls[i] = map[int][]stream.Record{}
			}
			call := taken[len(taken)-1]
			calls[i][call] = append(calls[i][call], *r)
		}
	}
	for shard, exposed := range calls {
		// Changes may have been under way, and the batches in flight still be those of a former factor.
		if !slices.ContainsFunc(o.factors, func(f int) bool { return ofDifferentLanes(exposed, f) }) {
			o.t.Errorf("shard %d: a lane has lost the checkpoints behind more than one batch", shard)
		}
	}
	o.factors, o.before = o.factors[len(o.factors)-1:], o.calls
}

func ofDifferentLanes(calls map[int][]stream.Record, factor int) bool {
	lanes := map[int]bool{}
	for _, records := range calls {
		lane := laneOf(records[0].Hash, factor)
		if lanes[lane] {
			return false
		}
		lanes[lane] = true
	}
	return true
}

// TestOrdeals: whatever happens to the program, every record is delivered, the records of a key in their order, and a
// crash lets a lane repeat at most the batch it had in flight. Stops in order and changes of any setting repeat nothing.
// What is delivered in a tumbling window is in the state of one final invocation, and is there once. What is given up is
// kept, exactly when the checkpoint has passed it.
// Every other mapping
// reads for a consumer, which others read for too, and some of its records are aggregated.
// Facts: 2.5.1, 2.5.2, 4.2, 4.7.
func TestOrdeals(t *testing.T) {
	seeds := uint64(100)
	if testing.Short() || race.Enabled {
		seeds = 30
	}
	for seed := range seeds {
		ok := t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newOrdeal(t, seed).run() })
		})
		if !ok {
			return
		}
	}
}

func (o *ordeal) run() {
	o.begin()
	for range 10 + o.random.IntN(30) {
		o.fan.disturb(o)
		switch o.random.IntN(12) {
		case 0, 1:
			o.crashAndCheck()
			o.start()
		case 2:
			o.stop()
			o.start()
		case 3, 4:
			o.change()
		case 5:
			if len(o.source.streams[streamName("orders")].shards) < 10 {
				o.split()
			}
		default:
			o.put()
		}
		pause := 40_000
		if o.random.IntN(8) == 0 {
			pause = 2_000_000
		}
		<-o.clock.After(time.Duration(o.random.IntN(pause)) * time.Microsecond)
	}
	o.update(Change{Enabled: new(true)})
	if !o.settle(time.Hour) {
		o.t.Errorf("%d records are not done", o.undone())
	}
	<-o.clock.After(2*time.Second + windowLag + time.Hour) // the last windows end, and their finals may be retried
	synctest.Wait()
	o.stop()
	o.windows.check(o)
	if want := o.total - o.passed; len(o.delivered) != want && !o.kept.on {
		o.t.Errorf("%d of %d records were delivered", len(o.delivered), want)
	}
	done, _, err := newCheckpoints(o.tables, o.last, 1).load(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	o.kept.check(o, done)
}
