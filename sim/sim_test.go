package sim

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

var (
	oneSeed  = flag.Uint64("seed", 0, "run this seed alone")
	seeds    = flag.Uint64("seeds", 0, "run so many seeds, from -seed on")
	minutes  = flag.Float64("minutes", 0, "run seeds for so many minutes, from -seed on")
	tellAll  = flag.Bool("story", false, "print the story of every seed")
	inJSON   = flag.Bool("tally", false, "print in JSON what was done")
	usually  = uint64(60)
	withRace = uint64(8)
)

// determine makes the lots that the Go runtime draws those of a seed, in the program that ./replay builds, and does nothing elsewhere.
var determine = func(uint64) {}

// TestSim lets seeds choose what happens to a house, and sees to it that it keeps its promises.
func TestSim(t *testing.T) {
	count := usually
	if race.Enabled || testing.Short() {
		count = withRace
	}
	switch {
	case *minutes > 0:
		count = 1 << 40
	case *seeds > 0:
		count = *seeds
	case *oneSeed > 0:
		count = 1
	}
	// Virtual time goes on when nothing runs any more, so that with several processors most of the time is spent on handing
	// over between them.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	end := time.Now().Add(time.Duration(*minutes * float64(time.Minute)))
	sum := tally{}
	for seed := *oneSeed; seed < *oneSeed+count && (*minutes == 0 || time.Now().Before(end)); seed++ {
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			determine(seed)
			cryptotest.SetGlobalRandom(t, seed)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, seed)
				w.run()
				sum.add(w)
			})
		})
		if !ok {
			t.Logf("to see it again, if it is not a matter of which goroutine comes first: go test ./sim -run Sim -seed %d -v", seed)
			return
		}
	}
	if *inJSON {
		line, err := json.Marshal(sum)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("tally: %s\n", line)
	}
	t.Log(sum)
}

// tally says how much was tried.
type tally struct {
	Seeds, Lives, Crashes, Records, Calls, Delivered, Discarded, Documents, Windows int
	Took                                                                            time.Duration
	Trace                                                                           string // what the last seed did to the disk, and when
}

func (s *tally) add(w *world) {
	s.Seeds++
	s.Lives += w.epochs
	s.Crashes += len(w.crashed)
	s.Records += len(w.records)
	s.Calls += w.calls
	s.Delivered += w.delivered
	s.Discarded += w.discarded
	s.Documents += len(w.documents)
	s.Windows += w.windows
	s.Took += time.Since(w.began)
	s.Trace = fmt.Sprintf("%016x", w.trace.Load())
}

func (s tally) String() string {
	return fmt.Sprintf("%d seeds, %d lives of which %d ended in a crash, %d records, %d calls, %d deliveries, %d records in %d documents, %d windows, %s of virtual time",
		s.Seeds, s.Lives, s.Crashes, s.Records, s.Calls, s.Delivered, s.Discarded, s.Documents, s.Windows, s.Took)
}

func (w *world) run() {
	defer func() {
		if w.t.Failed() || *tellAll {
			w.tell()
		}
	}()
	w.settleIn()
	for range w.traits.steps {
		d := w.pick()
		w.say("- %s", d.name)
		d.strike(w, w.house)
		w.pause()
		w.revive()
		w.cureDue(w.house, false)
		w.look(w.house)
		w.checkPoints(w.house)
		if w.t.Failed() {
			break
		}
	}
	close(w.over)
	w.finish()
}

// settleIn makes what there is from the beginning.
func (w *world) settleIn() {
	w.start(vfs.NewCrashableMem())
	h := w.house
	for _, name := range w.streams {
		w.check(h.streams.Create(h.ctx, name, stream.CreateOptions{ShardCount: 1 + w.random.IntN(3)}))
	}
	w.createQueue(h)
	w.pass(2 * time.Second)
	for i := range 2 + w.random.IntN(2) {
		w.produce(i)
	}
	for range 1 + w.random.IntN(3) {
		mappingIsCreated(w, h)
		w.pass(time.Duration(w.random.IntN(1500)) * time.Millisecond)
	}
}

// pause lets some time pass after a disturbance, unless the power fails.
func (w *world) pause() {
	d := time.Duration(w.random.IntN([]int{100, 50_000, 3_000_000}[w.random.IntN(3)])) * time.Microsecond
	select {
	case <-time.After(d):
	case <-w.house.dead:
	}
}

// revive starts the program again if the power has failed.
func (w *world) revive() {
	if w.house.isDown() {
		w.leave(true)
		w.start(w.house.bury())
	}
}

// checkPoints reads the checkpoints as the store keeps them: none has gone back.
func (w *world) checkPoints(h *house) {
	type fact struct {
		Position stream.Position `json:"position"`
	}
	table := store.NewCollection[fact](h.store, "mapping-checkpoints")
	for item, err := range table.Scan(h.ctx, "") {
		if err != nil {
			if !h.excused(err) {
				w.failf("checkpoints: %v", err)
			}
			return
		}
		w.mu.Lock()
		if h.down {
			w.mu.Unlock()
			return
		}
		if before := w.points[item.Key]; item.Value.Position < before {
			w.breach("checkpoint %q goes back from %x to %x", item.Key, uint64(before), uint64(item.Value.Position))
		}
		w.points[item.Key] = item.Value.Position
		w.mu.Unlock()
	}
}

// finish ends all disturbances and waits until there is nothing left to do. Then every record has ended as it should.
func (w *world) finish() {
	w.producers.Wait()
	w.say("all is well from here on")
	w.calm()
	if w.t.Failed() {
		w.leave(false)
		w.house.bury()
		return
	}
	w.drain()
	w.checkPoints(w.house)
	w.checkStreams(w.house)
	w.checkQueue(w.house)
	w.leave(false)
	w.house.stop()
}

// calm makes the world a friendly place.
func (w *world) calm() {
	for {
		h := w.house
		w.fuse = 0
		h.fuse.Store(0)
		h.fuseBegins.Store(0)
		h.fuseEnds.Store(0)
		h.heal()
		w.revive()
		if w.house == h {
			break
		}
	}
	h := w.house
	w.pass(5 * time.Second) // doubts are settled
	w.recognize(h)
	w.cureDue(h, true)
	if len(w.cures) > 0 {
		w.failf("%s, and stays so", w.cures[0].name)
	}
	insist := func(ok bool) {
		if !ok {
			w.failf("what should be done is refused again and again")
		}
	}
	w.mu.Lock()
	clear(w.moods)
	links := w.links
	w.healed = true
	w.mu.Unlock()
	insist(w.createQueue(h))
	for _, l := range links {
		if l.gone || l.uuid == "" {
			continue
		}
		for _, f := range l.functions {
			insist(w.createFunction(h, f))
		}
		insist(w.insist(h, func() error {
			w.mu.Lock()
			l.silent = time.Time{}
			w.mu.Unlock()
			_, err := h.mappings.Update(h.ctx, account, region, l.uuid, mapping.Change{Enabled: new(true)})
			if errors.Is(err, mapping.ErrNotFound) && l.deleting {
				l.gone = true
				return nil
			}
			return err
		}, mapping.ErrInUse))
	}
}

// drain waits until every record has ended for every link.
func (w *world) drain() {
	for range 2000 {
		w.mu.Lock()
		left := 0
		for _, l := range w.links {
			if !l.gone && l.uuid != "" {
				left += len(l.pending(w))
			}
		}
		w.mu.Unlock()
		if left == 0 || w.t.Failed() {
			break
		}
		w.pass(5 * time.Second)
	}
	w.pass(10 * time.Second) // nothing more comes
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.links {
		if l.gone || l.uuid == "" {
			continue
		}
		if left := l.pending(w); len(left) > 0 {
			r := left[0]
			w.breach("%s: %d records have not ended, %s at %v among them, put at %s, acknowledged at %s, arrived at %s", l.name, len(left),
				r.label(), r.place, w.at(r.asked), w.at(r.told), r.arrival)
		}
	}
}

// checkStreams reads all shards: every record that was acknowledged is there, where it was said to be, once.
func (w *world) checkStreams(h *house) {
	seen := map[string]bool{}
	for i, name := range w.streams {
		st, err := h.streams.Describe(h.ctx, name)
		w.check(err)
		for _, sh := range st.Shards {
			key, after := stream.ShardKey{Stream: st.Number, Index: sh.Index}, stream.Position(0)
			for {
				b, err := h.streams.Read(h.ctx, key, after, 1000, 1<<20)
				w.check(err)
				w.read(h, key, after, b)
				for j := range b.Records {
					seen[labelOf(b.Records[j].Data)] = true
				}
				if after = b.Next; len(b.Records) == 0 {
					break
				}
			}
		}
		w.mu.Lock()
		for _, r := range w.records {
			if r.stream == i && r.stored() && !w.expired(r) && !seen[r.label()] {
				w.breach("%s at %v is lost", r.label(), r.place)
			}
		}
		w.mu.Unlock()
	}
}

// checkQueue takes all documents from the queue: those that it has acknowledged.
func (w *world) checkQueue(h *house) {
	found := map[string]bool{}
	wait, hidden := time.Duration(0), 12*time.Hour
	for {
		got, err := h.queues.Receive(h.ctx, w.queue, queue.ReceiveOptions{Max: 10, Wait: &wait, Visibility: &hidden})
		w.check(err)
		for _, m := range got {
			found[m.Body] = true
		}
		if len(got) == 0 {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for body, d := range w.documents {
		switch {
		case d.sent && !d.lost && !found[body]:
			w.breach("a document is lost: %s", body)
		case !d.sent && d.tries == 0 && !w.crashed[d.epoch]:
			w.breach("a document was never sent: %s", body)
		}
		delete(found, body)
	}
	if len(found) > 0 {
		w.breach("%d documents that nobody sent, such as %s", len(found), strings.Join(keysOf(found)[:1], ""))
	}
}

func keysOf(m map[string]bool) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}
