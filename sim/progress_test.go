package sim

import (
	"strconv"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// sector is a lane's part of a shard, as checkpoints name it: of factor lanes this one. The whole shard is lane 0 of one, and of
// no lane at all.
type sector struct{ factor, lane int }

// fact is a checkpoint: all records of its sector up to the position are done.
type fact struct {
	Position stream.Position `json:"position"`
}

// facts are the checkpoints of a mapping, by stream and shard.
type facts map[uint64]map[uint32]map[sector]stream.Position

// cover reports whether a checkpoint says that a record is done.
func (f facts) cover(number uint64, r *record) bool {
	for s, position := range f[number][r.place.shard] {
		if r.place.position <= position && (s.factor <= 1 || laneOf(r.key, s.factor) == s.lane) {
			return true
		}
	}
	return false
}

// readFacts reads a mapping's checkpoints as the store keeps them. Their keys are those of the mapping, the stream's
// incarnation, the shard, the factor and the lane.
func (w *world) readFacts(h *house, uuid string) facts {
	all := facts{}
	for item, err := range store.NewCollection[fact](h.store, "mapping-checkpoints").Scan(h.ctx, store.Key(uuid, "")) {
		w.check(err)
		parts := store.SplitKey(item.Key)
		number, err := strconv.ParseUint(parts[1], 16, 64)
		w.check(err)
		shard, err := strconv.ParseUint(parts[2], 10, 32)
		w.check(err)
		factor, err := strconv.Atoi(parts[3])
		w.check(err)
		lane, err := strconv.Atoi(parts[4])
		w.check(err)
		if all[number] == nil {
			all[number] = map[uint32]map[sector]stream.Position{}
		}
		if all[number][uint32(shard)] == nil {
			all[number][uint32(shard)] = map[sector]stream.Position{}
		}
		all[number][uint32(shard)][sector{factor, lane}] = item.Value.Position
	}
	return all
}

// weigh finds out, before a house runs, what the last life has left of what it did. Records that have ended and that a
// checkpoint covers never come again. The others do; only a crash excuses them, and of each lane one batch.
func (w *world) weigh(h *house) {
	w.mu.Lock()
	links := w.links
	w.mu.Unlock()
	for _, l := range links {
		if l.gone || l.uuid == "" {
			continue
		}
		number, found := w.numberOf(h, l.stream)
		kept := w.readFacts(h, l.uuid)
		w.mu.Lock()
		if !h.down && found {
			w.weighLink(l, kept, number)
		}
		w.mu.Unlock()
	}
}

func (w *world) numberOf(h *house, i int) (uint64, bool) {
	st, err := h.streams.Describe(h.ctx, w.streams[i])
	return st.Number, err == nil
}

func (w *world) weighLink(l *link, kept facts, number uint64) {
	last := w.epoch - 1
	open := map[uint32]map[int]string{} // by shard and call, a key of it
	for r, e := range l.endings {
		if e.kept || r.gone {
			continue
		}
		if e.kept = kept.cover(number, r); e.kept || w.expired(r) {
			continue
		}
		e.open = true
		if e.epoch != last {
			continue // it was weighed before, and the last life has not come to it
		}
		if !w.crashed[last] {
			w.breach("%s: no checkpoint covers %s, which was %s by call %d, though the program stopped in order", l.name, r.label(), e.how, e.call)
		}
		if open[r.place.shard] == nil {
			open[r.place.shard] = map[int]string{}
		}
		open[r.place.shard][e.call] = e.key
	}
	for shard, calls := range open {
		if !l.fitLanes(last, calls) {
			w.breach("%s: a crash has taken more than one batch of a lane of shard %d: calls %v, factors %v", l.name, shard, calls, l.factors[last])
		}
	}
}
