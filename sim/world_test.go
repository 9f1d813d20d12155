package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/stream"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

func functionName(name string) function.Name {
	return function.Name{Account: account, Region: region, Name: name}
}

func streamLabel(i int) string { return fmt.Sprintf("stream-%d", i) }

// traits are what a seed chooses once and for all.
type traits struct {
	delay       time.Duration // of transitions, in all rooms
	sync        time.Duration // that a sync of the disk takes
	tail        int64         // bytes of the newest records in memory
	buffer      int64         // bytes that lanes may read ahead
	concurrency int           // invocations at a time
	padding     int           // bytes of a record beside its label
	steps       int
}

// world is one house, life after life, with all that acts on it and all that is known of what it should do.
type world struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand // the conductor's own
	traits traits
	clock  *clock
	began  time.Time
	folder string // for the code of functions
	house  *house // the conductor's
	fuse   int64  // that of the next house; 0 for none
	chosen []disturbance
	cures  []cure // what is to end at some time
	epochs int
	trace  atomic.Uint64 // a hash of all that was done to the disk, and when

	producers sync.WaitGroup
	over      chan struct{} // closed when producers are to end

	streams []stream.Name
	queue   queue.Name

	mu sync.Mutex // guards all that follows, and is held for no longer than memory takes
	// dice are for all who are not the conductor.
	dice      *rand.Rand
	story     []string // what was done, for who has to understand a failure
	breaches  int
	present   *house // that takes calls, or nil
	epoch     int
	crashed   map[int]bool // by epoch
	links     []*link
	moods     map[string]mood
	plans     map[string]plan // by request id
	records   map[string]*record
	keys      map[string][]*record
	shards    []map[uint32][]*record // by stream; those that were found
	parents   []map[uint32][2]int64  // by stream
	horizons  []horizon              // by stream
	dying     []bool                 // by stream: it is being deleted, and then made again
	puts      []int                  // by stream: that are under way
	documents map[string]*document
	points    map[string]stream.Position // checkpoints, by key
	healed    bool                       // nothing is disturbed any more

	calls, delivered, discarded, windows int
}

// horizon is from when on a stream's records are kept.
type horizon struct {
	retention time.Duration
	trimmed   time.Time // what arrived earlier has expired before, and does not come back
}

func newWorld(t *testing.T, seed uint64) *world {
	random := rand.New(rand.NewPCG(seed, 1))
	w := &world{
		t: t, seed: seed, random: random, clock: newClock(), began: time.Now(), folder: t.TempDir(), over: make(chan struct{}),
		dice:  rand.New(rand.NewPCG(seed, 2)),
		queue: queue.Name{Account: account, Region: region, Name: "dead"}, crashed: map[int]bool{}, moods: map[string]mood{},
		plans: map[string]plan{}, records: map[string]*record{}, keys: map[string][]*record{}, documents: map[string]*document{},
		points: map[string]stream.Position{},
		traits: traits{
			delay:       time.Duration(random.IntN(3)) * 500 * time.Millisecond,
			sync:        time.Duration(random.IntN(4)) * time.Millisecond,
			tail:        []int64{1, 20_000, 1 << 20}[random.IntN(3)],
			buffer:      []int64{1, 1 << 20, 0}[random.IntN(3)],
			concurrency: []int{2, 6, 100}[random.IntN(3)],
			padding:     []int{0, 0, 10, 10, 1000, 1000, 3000, 20_000}[random.IntN(8)],
			steps:       15 + random.IntN(35),
		},
	}
	for i := range 1 + random.IntN(2) {
		w.streams = append(w.streams, stream.Name{Account: account, Region: region, Name: streamLabel(i)})
		w.shards = append(w.shards, map[uint32][]*record{})
		w.parents = append(w.parents, map[uint32][2]int64{})
		w.horizons = append(w.horizons, horizon{retention: stream.DefaultRetention})
		w.dying, w.puts = append(w.dying, false), append(w.puts, 0)
	}
	// A seed has some of the disturbances, each with a weight of its own, so that rare ones meet too.
	for _, d := range disturbances {
		if d.weight *= random.IntN(4); d.weight > 0 {
			w.chosen = append(w.chosen, d)
		}
	}
	return w
}

// start starts the program on a disk.
func (w *world) start(mem *vfs.MemFS) {
	h := openHouse(w, mem)
	w.house = h
	w.mu.Lock()
	w.present = h
	w.mu.Unlock()
}

func (w *world) nextEpoch() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.epochs++
	w.epoch = w.epochs
	return w.epoch
}

// leave takes the house from those who call it, before it ends.
func (w *world) leave(crashed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.present = nil
	if crashed {
		w.crashed[w.epoch] = true
	}
}

// alive returns the house that takes calls, or nil.
func (w *world) alive() *house {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.present
}

// note adds a line to the story; the mutex is held.
func (w *world) note(format string, a ...any) {
	w.story = append(w.story, fmt.Sprintf("%12s %s", time.Since(w.began).Round(time.Microsecond), fmt.Sprintf(format, a...)))
}

func (w *world) say(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(format, a...)
}

// breach notes that a promise was broken; the mutex is held.
func (w *world) breach(format string, a ...any) {
	w.note("BREACH "+format, a...)
	if w.breaches++; w.breaches <= 10 { // the first tells most
		w.t.Errorf("%s: %s", time.Since(w.began).Round(time.Microsecond), fmt.Sprintf(format, a...))
	}
}

func (w *world) failf(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breach(format, a...)
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.tell()
		w.t.Fatal(err)
	}
}

// tell prints the story of a seed that failed.
func (w *world) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Logf("seed %d, %+v", w.seed, w.traits)
	for _, line := range w.story {
		w.t.Log(line)
	}
}

// at says a moment as the time since the beginning.
func (w *world) at(t time.Time) time.Duration { return t.Sub(w.began) }

// linkOf returns the link that a function is of, or nil; the mutex is held.
func (w *world) linkOf(name string) *link {
	i := slices.IndexFunc(w.links, func(l *link) bool { return slices.Contains(l.functions[:], name) })
	if i < 0 {
		return nil
	}
	return w.links[i]
}

// expired reports whether a record may have expired by now; the mutex is held.
func (w *world) expired(r *record) bool {
	h := w.horizons[r.stream]
	arrival := r.arrival
	if arrival.IsZero() {
		arrival = r.mark
	}
	return arrival.Before(h.trimmed) || arrival.Before(w.clock.Now().Add(-h.retention))
}

// pass lets time pass.
func (w *world) pass(d time.Duration) { <-time.After(d) }

// insist does what may be refused for a passing reason until it is done, and reports whether that was soon.
func (w *world) insist(h *house, do func() error, passing ...error) bool {
	var err error
	for range 100 {
		if err = do(); err == nil {
			return true
		}
		if h.isDown() {
			return false
		}
		if !h.excused(err, passing...) {
			w.check(err)
		}
		w.pass(50 * time.Millisecond)
	}
	w.say("refused again and again: %v", err)
	return false
}
