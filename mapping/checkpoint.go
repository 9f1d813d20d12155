package mapping

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// checkpointTable holds a checkpoint for each lane of each shard of each mapping.
const checkpointTable = "mapping-checkpoints"

// sector is the part of a shard's records that one lane handles: those whose hash key leaves the remainder Lane when
// it is divided by Factor.
type sector struct {
	Factor, Lane int
}

// Both of these hold every record. Each has its own writer, so that no checkpoint is ever overtaken by an older one.
var (
	// wholeShard is written by the only lane of a shard that has one, and as a shard begins or is completed.
	wholeShard = sector{Factor: 1, Lane: 0}
	// summary is written now and then, and says how far all lanes have come that rest.
	summary = sector{Factor: 0, Lane: 0}
)

// openWindow holds no record: under its key lies the tumbling window that the shard's only lane has not closed yet. It
// is no fact about records, and is kept here so that whatever drops a shard's checkpoints drops it too.
var openWindow = sector{Factor: 0, Lane: 1}

// holds reports whether a record of this hash key belongs to the sector.
func (s sector) holds(h stream.Hash) bool { return laneOf(h, s.Factor) == s.Lane }

// laneOf returns the lane of a hash key when a shard has so many of them.
func laneOf(h stream.Hash, factor int) int {
	if factor <= 1 {
		return 0
	}
	high, low := binary.BigEndian.Uint64(h[:8]), binary.BigEndian.Uint64(h[8:])
	return int(bits.Rem64(high, low, uint64(factor)))
}

// checkpoint states a fact about a sector that never becomes false: all of its records up to the position have been
// delivered, given up or passed over. Facts about the sectors of one factor therefore still hold when the factor is
// changed, and a reader passes over every record that any fact covers.
type checkpoint struct {
	Position stream.Position `json:"position"`
	// Sub says how many user records of the aggregated record just behind the position are covered too, where a batch ended
	// among them.
	Sub uint32 `json:"sub,omitempty"`
	// Complete, for a whole shard, says that it is closed and all of its records are done.
	Complete bool `json:"complete,omitempty"`
	// Window is the open tumbling window, under the key of openWindow.
	Window *tumbling `json:"window,omitempty"`
}

// through returns the fact that all of a sector's records are done up to and with this one.
func through(r *stream.Record) checkpoint {
	if r.SubSequence == 0 {
		return checkpoint{Position: r.Position}
	}
	return checkpoint{Position: r.Position - 1, Sub: r.SubSequence}
}

// covers reports whether the fact speaks of the record, if that is of the fact's sector.
func (c *checkpoint) covers(r *stream.Record) bool {
	return r.Position <= c.Position || r.Position == c.Position+1 && 0 < r.SubSequence && r.SubSequence <= c.Sub
}

// isWithin reports whether the fact says nothing more than that all records up to a position are done.
func (c *checkpoint) isWithin(at stream.Position) bool {
	return c.Position < at || c.Position == at && c.Sub == 0
}

// progress is all that is known to be done of one shard.
type progress map[sector]checkpoint

// done reports whether a fact covers the record.
func (p progress) done(r *stream.Record) bool {
	for s, c := range p {
		if c.covers(r) && s.holds(r.Hash) {
			return true
		}
	}
	return false
}

// checkpoints are those of one mapping for one incarnation of its stream. Since the incarnation is part of the key,
// those of a stream that was deleted say nothing of another one of the same name.
type checkpoints struct {
	table  store.Collection[checkpoint]
	tables store.Tables
	uuid   string
	stream uint64
}

func newCheckpoints(tables store.Tables, uuid string, incarnation uint64) checkpoints {
	return checkpoints{
		table:  store.NewCollection[checkpoint](tables, checkpointTable),
		tables: tables,
		uuid:   uuid,
		stream: incarnation,
	}
}

func (c checkpoints) key(shard uint32, s sector) string {
	return store.Key(c.uuid, fmt.Sprintf("%016x", c.stream), fmt.Sprintf("%010d", shard), fmt.Sprintf("%02d", s.Factor),
		fmt.Sprintf("%02d", s.Lane))
}

// write returns the change that records a fact, to hand to Commit with others. Every fact can be encoded.
func (c checkpoints) write(shard uint32, s sector, fact checkpoint) (store.Write, error) {
	return c.table.Write(c.key(shard, s), fact, 0)
}

// remove returns the change that forgets a fact which another one implies.
func (c checkpoints) remove(shard uint32, s sector) store.Write {
	return c.table.Remove(c.key(shard, s), 0)
}

// load returns what is done, by shard, and the keys of what was recorded for other incarnations.
func (c checkpoints) load(ctx context.Context) (map[uint32]progress, []string, error) {
	return c.scan(ctx, store.Key(c.uuid, ""))
}

// shard returns what is done of one shard.
func (c checkpoints) shard(ctx context.Context, shard uint32) (progress, error) {
	byShard, _, err := c.scan(ctx, store.Key(c.uuid, fmt.Sprintf("%016x", c.stream), fmt.Sprintf("%010d", shard), ""))
	return byShard[shard], err
}

func (c checkpoints) scan(ctx context.Context, prefix string) (map[uint32]progress, []string, error) {
	byShard := map[uint32]progress{}
	var void []string
	for item, err := range c.table.Scan(ctx, prefix) {
		if err != nil {
			return nil, nil, fmt.Errorf("load checkpoints of mapping %s: %w", c.uuid, err)
		}
		incarnation, shard, s, err := splitCheckpointKey(item.Key)
		if err != nil {
			return nil, nil, fmt.Errorf("load checkpoints of mapping %s: %w", c.uuid, err)
		}
		if incarnation != c.stream {
			void = append(void, item.Key)
			continue
		}
		if byShard[shard] == nil {
			byShard[shard] = progress{}
		}
		byShard[shard][s] = item.Value
	}
	return byShard, void, nil
}

// expired returns the keys of shards that the stream does not have any more, since the last of their records has
// expired.
func (c checkpoints) expired(done map[uint32]progress, st *stream.Stream) []string {
	var keys []string
	for shard, facts := range done {
		if _, listed := st.Shard(shard); !listed {
			keys = append(keys, c.keys(shard, facts)...)
		}
	}
	return keys
}

func (c checkpoints) keys(shard uint32, facts progress) []string {
	keys := make([]string, 0, len(facts))
	for part := range facts {
		keys = append(keys, c.key(shard, part))
	}
	return keys
}

// maxDrop bounds the deletions of one commit.
const maxDrop = 10_000

// drop forgets checkpoints by their keys, with whatever else the last of its commits is to do.
func (c checkpoints) drop(ctx context.Context, keys []string, also ...store.Write) error {
	for len(keys) > 0 || len(also) > 0 {
		n := min(len(keys), maxDrop)
		writes := make([]store.Write, 0, n+len(also))
		for _, key := range keys[:n] {
			writes = append(writes, c.table.Remove(key, 0))
		}
		if keys = keys[n:]; len(keys) == 0 {
			writes, also = append(writes, also...), nil
		}
		if err := c.tables.Commit(ctx, writes...); err != nil {
			return fmt.Errorf("drop checkpoints of mapping %s: %w", c.uuid, err)
		}
	}
	return nil
}

// splitCheckpointKey reads a key: mapping, incarnation, shard, factor, lane.
func splitCheckpointKey(key string) (incarnation uint64, shard uint32, s sector, err error) {
	parts := store.SplitKey(key)
	if len(parts) != 5 {
		return 0, 0, sector{}, fmt.Errorf("checkpoint key %q: %w", key, store.ErrCorrupt)
	}
	incarnation, err1 := strconv.ParseUint(parts[1], 16, 64)
	index, err2 := strconv.ParseUint(parts[2], 10, 32)
	factor, err3 := strconv.Atoi(parts[3])
	lane, err4 := strconv.Atoi(parts[4])
	for _, e := range []error{err1, err2, err3, err4} {
		if e != nil {
			return 0, 0, sector{}, fmt.Errorf("checkpoint key %q: %w", key, store.ErrCorrupt)
		}
	}
	s = sector{Factor: factor, Lane: lane}
	if s != openWindow && (factor < 0 || lane < 0 || lane > 0 && lane >= factor) {
		return 0, 0, sector{}, fmt.Errorf("checkpoint key %q: %w", key, store.ErrCorrupt)
	}
	return incarnation, uint32(index), s, nil
}
