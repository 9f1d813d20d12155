package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// producer puts records under keys of its own, one put after the other, so that it knows the order of each key's.
type producer struct {
	w      *world
	stream int
	keys   []string
	random *rand.Rand
}

func (w *world) produce(i int) {
	p := &producer{w: w, stream: i % len(w.streams), random: rand.New(rand.NewPCG(w.seed, uint64(100+i)))}
	for k := range 2 + p.random.IntN(8) {
		p.keys = append(p.keys, fmt.Sprintf("s%dp%dk%d", p.stream, i, k))
	}
	w.producers.Go(p.run)
}

func (p *producer) run() {
	for {
		pause := p.random.IntN(400)
		if p.random.IntN(10) == 0 {
			pause = 4000
		}
		select {
		case <-time.After(time.Duration(pause) * time.Millisecond):
		case <-p.w.over:
			return
		}
		n := 1 + p.random.IntN(12)
		if h := p.w.alive(); h != nil && p.w.mayPut(p.stream, +1) {
			p.put(h, n)
			p.w.mayPut(p.stream, -1)
		}
	}
}

// padding returns how many bytes a record has beside its label. Long ones are few, since a seed that moves gigabytes finds no more than
// ten that do not.
func (p *producer) padding() int {
	n := p.w.traits.padding
	if n > 2000 && p.random.IntN(n/1000) != 0 {
		return 0
	}
	return n
}

// put puts some records. Those of which no answer comes may be stored or not, and are not put again.
func (p *producer) put(h *house, n int) {
	w := p.w
	entries, records := make([]stream.Entry, n), make([]*record, n)
	w.mu.Lock()
	for i := range n {
		key := p.keys[p.random.IntN(len(p.keys))]
		r := &record{
			stream: p.stream, key: key, n: len(w.keys[key]) + 1, asked: time.Now(), mark: w.clock.Now(),
			poison: p.random.IntN(40) == 0,
		}
		w.keys[key] = append(w.keys[key], r)
		w.records[r.label()] = r
		records[i] = r
		body, _ := json.Marshal(data{Label: r.label(), Pad: strings.Repeat("x", p.padding())})
		entries[i] = stream.Entry{PartitionKey: key, Data: body}
	}
	w.mu.Unlock()
	puts, err := h.streams.Put(h.ctx, w.streams[p.stream], entries)
	if err != nil {
		if !h.excused(err) {
			w.failf("put: %v", err)
		}
		return
	}
	for i, put := range puts {
		if put.Err != nil {
			if !h.excused(put.Err, stream.ErrThroughput, store.ErrFull) {
				w.failf("put: %v", put.Err)
			}
			continue
		}
		w.acknowledge(h, records[i], put)
	}
}

// mayPut counts a put that begins (+1) or has ended (-1), and reports whether it may begin: nobody puts while a stream is
// deleted and made again, so that it is known which of the two has a record.
func (w *world) mayPut(stream, n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n > 0 && w.dying[stream] {
		return false
	}
	w.puts[stream] += n
	return true
}

// acknowledge notes that a put was answered, unless the power failed before.
func (w *world) acknowledge(h *house, r *record, put stream.Put) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.down {
		return
	}
	r.told = time.Now()
	w.place(r, place{put.Shard, put.SequenceNumber.Origin().Position})
}
