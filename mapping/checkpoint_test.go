package mapping

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// Facts: 4.3.
func TestLaneOfIsTheRemainder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		var h stream.Hash
		for i := range h {
			h[i] = byte(random.Uint32())
		}
		factor := 1 + random.IntN(10)
		want := new(big.Int).Mod(new(big.Int).SetBytes(h[:]), big.NewInt(int64(factor)))
		if got := laneOf(h, factor); got != int(want.Int64()) {
			t.Fatalf("%s mod %d is %d, not %d", h, factor, got, want)
		}
	}
}

// Facts: 4.5.
func TestProgress(t *testing.T) {
	key := func(n int) stream.Hash { return testHash(fmt.Sprint(n)) }
	p := progress{
		wholeShard:   {Position: 10},
		summary:      {Position: 20},
		sector{2, 1}: {Position: 50},
		sector{3, 0}: {Position: 40},
	}
	for _, c := range []struct {
		position stream.Position
		hash     int
		done     bool
	}{
		{5, 4, true},
		{20, 4, true},
		{21, 4, false},
		{50, 5, true},
		{51, 5, false}, // odd
		{40, 6, true},
		{41, 6, false}, // divisible by three
		{50, 8, false},
	} {
		if got := p.done(&stream.Record{Position: c.position, Hash: key(c.hash)}); got != c.done {
			t.Errorf("record %d of key %d: done is %t", c.position, c.hash, got)
		}
	}
}

// Facts: 2.1.5.
func TestCheckpoints(t *testing.T) {
	ctx := context.Background()
	tables := newFakeTables()
	points := newCheckpoints(tables, "uuid", 7)
	for _, c := range []struct {
		points checkpoints
		shard  uint32
		part   sector
		fact   checkpoint
	}{
		{points, 0, wholeShard, checkpoint{Position: 1 << 62}},
		{points, 4_000_000_000, sector{10, 9}, checkpoint{Position: 3}},
		{points, 0, summary, checkpoint{Position: 2, Complete: true}},
		{newCheckpoints(tables, "uuid", 6), 0, wholeShard, checkpoint{Position: 5}},
		{newCheckpoints(tables, "uuid2", 7), 1, wholeShard, checkpoint{Position: 6}},
	} {
		w, err := c.points.write(c.shard, c.part, c.fact)
		if err == nil {
			err = tables.Commit(ctx, w)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	done, void, err := points.load(ctx)
	if err != nil || len(void) != 1 {
		t.Fatalf("%d void keys, %v", len(void), err)
	}
	if !maps.Equal(done[0], progress{wholeShard: {Position: 1 << 62}, summary: {Position: 2, Complete: true}}) ||
		!maps.Equal(done[4_000_000_000], progress{sector{10, 9}: {Position: 3}}) || len(done) != 2 {
		t.Errorf("loaded %v", done)
	}
	if err := points.drop(ctx, void); err != nil {
		t.Fatal(err)
	}
	if _, void, _ := points.load(ctx); len(void) != 0 {
		t.Errorf("%d void keys are left", len(void))
	}
}

func TestCheckpointKeys(t *testing.T) {
	for _, key := range []string{
		"", "uuid", store.Key("u", "1", "2", "3"), store.Key("u", "x", "0", "1", "0"), store.Key("u", "1", "x", "1", "0"),
		store.Key("u", "1", "0", "x", "0"), store.Key("u", "1", "0", "1", "x"), store.Key("u", "1", "0", "2", "2"),
		store.Key("u", "1", "0", "-1", "0"), store.Key("u", "1", "0", "2", "-1"), store.Key("u", "1", "99999999999", "1", "0"),
	} {
		if _, _, _, err := splitCheckpointKey(key); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%q: %v", key, err)
		}
	}
	// The keys of a shard's sectors lie together, those of shards in order.
	points := newCheckpoints(newFakeTables(), "u", 1)
	keys := []string{
		points.key(0, summary), points.key(0, wholeShard), points.key(0, sector{2, 1}), points.key(0, sector{10, 0}),
		points.key(2, wholeShard), points.key(10, wholeShard),
	}
	if !slices.IsSorted(keys) {
		t.Errorf("%q", keys)
	}
}

func TestExpiredCheckpoints(t *testing.T) {
	points := newCheckpoints(newFakeTables(), "u", 1)
	done := map[uint32]progress{1: {wholeShard: {Complete: true}, summary: {}}, 2: {wholeShard: {}}}
	keys := points.expired(done, &stream.Stream{Shards: []stream.Shard{{Index: 2}, {Index: 3}}})
	slices.Sort(keys)
	if want := []string{points.key(1, summary), points.key(1, wholeShard)}; !slices.Equal(keys, want) {
		t.Errorf("%q, not %q", keys, want)
	}
}
