package storetest

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/store"
)

func testAppendOrder(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	last := uint64(0)
	for round := 0; round < 3; round++ {
		for i := 0; i < 50; i++ {
			ordinal := e.append(t, log, fmt.Sprint(i))
			if ordinal <= last {
				t.Fatalf("ordinal %d after %d", ordinal, last)
			}
			if ordinal >= 1<<47 {
				t.Fatalf("ordinal %d is too large", ordinal)
			}
			if last = ordinal; e.bounds(t, log).Last != last {
				t.Fatalf("bounds say last %d, appended %d", e.bounds(t, log).Last, last)
			}
		}
		e.reopen(t)
	}
}

func testReadBlocks(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1, Shard: 3}
	var ordinals []uint64
	var data []string
	for i := 0; i < 100; i++ {
		data = append(data, fmt.Sprintf("block %d", i))
		ordinals = append(ordinals, e.append(t, log, data[i]))
	}
	for round := 0; round < 2; round++ {
		for _, from := range []int{0, 1, 50, 99} {
			gotOrdinals, got := e.blocks(t, log, ordinals[from])
			wantEqual(t, fmt.Sprintf("ordinals from %d", from), gotOrdinals, ordinals[from:])
			wantEqual(t, fmt.Sprintf("data from %d", from), got, data[from:])
		}
		_, got := e.blocks(t, log, 0)
		wantEqual(t, "data from 0", len(got), 100)
		if got, _ := e.blocks(t, log, ordinals[99]+1); got != nil {
			t.Errorf("blocks after the last: %v", got)
		}
		if got, _ := e.blocks(t, log, math.MaxUint64); got != nil {
			t.Errorf("blocks from the highest ordinal: %v", got)
		}
		// Stopping early is no error.
		for range e.Store.ReadBlocks(t.Context(), log, 0) {
			break
		}
		if !e.reopen(t) {
			break
		}
	}
}

func testReadIsBounded(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	for i := 0; i < 5; i++ {
		e.append(t, log, "before")
	}
	n := 0
	for block, err := range e.Store.ReadBlocks(t.Context(), log, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if string(block.Data) != "before" {
			t.Errorf("block %d was appended during the read", block.Ordinal)
		}
		e.append(t, log, "during")
		if n++; n > 100 {
			t.Fatal("the read follows its own tail")
		}
	}
	wantEqual(t, "blocks", n, 5)
}

func testLogsDoNotMix(t *testing.T, e *engine) {
	logs := []store.LogID{
		{Stream: 0},
		{Stream: 1},
		{Stream: 1, Shard: 1},
		{Stream: 1, Shard: math.MaxUint32},
		{Stream: 2},
		{Stream: 256},
		{Stream: math.MaxUint64},
		{Stream: math.MaxUint64, Shard: math.MaxUint32},
	}
	for round := 0; round < 3; round++ {
		for _, log := range logs {
			e.append(t, log, fmt.Sprintf("%v %d", log, round))
		}
	}
	e.reopen(t)
	for _, log := range logs {
		_, data := e.blocks(t, log, 0)
		wantEqual(t, fmt.Sprint(log), data, []string{fmt.Sprintf("%v 0", log), fmt.Sprintf("%v 1", log), fmt.Sprintf("%v 2", log)})
	}
}

func testUnknownLog(t *testing.T, e *engine) {
	log := store.LogID{Stream: 7, Shard: 7}
	wantEqual(t, "bounds", e.bounds(t, log), store.Bounds{First: 1, Last: 0})
	if ordinals, _ := e.blocks(t, log, 0); ordinals != nil {
		t.Errorf("blocks: %v", ordinals)
	}
	e.trim(t, log, 10)
	wantEqual(t, "bounds after a trim", e.bounds(t, log), store.Bounds{First: 1, Last: 0})
	if err := e.Store.DropLogs(t.Context(), 7); err != nil {
		t.Errorf("drop: %v", err)
	}
}

func testBlockSizes(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	var want []string
	for _, size := range []int{0, 1, 4, 511, 512, 513, 4096, 32 << 10, 1 << 20, 9 << 20, store.MaxBlock} {
		data := strings.Repeat(string(rune('a'+len(want))), size)
		want = append(want, data)
		e.append(t, log, data)
	}
	for round := 0; round < 2; round++ {
		_, got := e.blocks(t, log, 0)
		if len(got) != len(want) {
			t.Fatalf("%d blocks, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("block of %d bytes came back with %d, or other ones", len(want[i]), len(got[i]))
			}
		}
		if !e.reopen(t) {
			break
		}
	}
}

func testTrim(t *testing.T, e *engine) {
	log, other := store.LogID{Stream: 1}, store.LogID{Stream: 1, Shard: 1}
	var ordinals []uint64
	for i := 0; i < 20; i++ {
		ordinals = append(ordinals, e.append(t, log, fmt.Sprint(i)))
		e.append(t, other, fmt.Sprint(i))
	}
	e.trim(t, log, ordinals[5])
	for round := 0; round < 2; round++ {
		wantEqual(t, "bounds", e.bounds(t, log), store.Bounds{First: ordinals[5], Last: ordinals[19]})
		got, data := e.blocks(t, log, 0)
		wantEqual(t, "blocks", got, ordinals[5:])
		wantEqual(t, "first", data[0], "5")
		_, data = e.blocks(t, other, 0)
		wantEqual(t, "blocks of the other log", len(data), 20)
		if !e.reopen(t) {
			break
		}
	}
	e.trim(t, log, ordinals[3]) // backwards is nothing
	e.trim(t, log, 0)
	wantEqual(t, "bounds", e.bounds(t, log), store.Bounds{First: ordinals[5], Last: ordinals[19]})
}

func testTrimAll(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	last := uint64(0)
	for i := 0; i < 10; i++ {
		last = e.append(t, log, "x")
	}
	for _, before := range []uint64{last + 1, last + 100, math.MaxUint64} {
		e.trim(t, log, before)
		for round := 0; round < 2; round++ {
			bounds := e.bounds(t, log)
			if !bounds.Empty() || bounds.Last != last {
				t.Errorf("bounds %+v after trimming everything up to %d", bounds, last)
			}
			if got, _ := e.blocks(t, log, 0); got != nil {
				t.Errorf("blocks after trimming everything: %v", got)
			}
			e.reopen(t)
		}
		next := e.append(t, log, "y")
		if next <= last {
			t.Fatalf("ordinal %d was given again after a trim, the last was %d", next, last)
		}
		last = next
		wantEqual(t, "bounds", e.bounds(t, log), store.Bounds{First: last, Last: last})
	}
}

func testTrimUnderReaders(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	for i := 0; i < 50; i++ {
		e.append(t, log, fmt.Sprint(i))
	}
	n := 0
	for block, err := range e.Store.ReadBlocks(t.Context(), log, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(n); string(block.Data) != want {
			t.Fatalf("block %d holds %q, want %q", block.Ordinal, block.Data, want)
		}
		if n == 10 {
			e.trim(t, log, 41)
		}
		n++
	}
	if n != 50 && n != 11 {
		t.Errorf("read %d blocks while they were trimmed", n)
	}
}

func testDrop(t *testing.T, e *engine) {
	kept := []store.LogID{{Stream: 1}, {Stream: 3}}
	gone := []store.LogID{{Stream: 2}, {Stream: 2, Shard: 5}, {Stream: 2, Shard: math.MaxUint32}}
	for _, log := range append(kept, gone...) {
		e.append(t, log, "x")
		e.append(t, log, "y")
		e.trim(t, log, 2)
	}
	if err := e.Store.DropLogs(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for round := 0; round < 2; round++ {
		for _, log := range kept {
			_, data := e.blocks(t, log, 0)
			wantEqual(t, "kept log", data, []string{"y"})
		}
		for _, log := range gone {
			if data, _ := e.blocks(t, log, 0); data != nil {
				t.Errorf("dropped log %v holds %v", log, data)
			}
			wantEqual(t, "bounds of a dropped log", e.bounds(t, log), store.Bounds{First: 1, Last: 0})
		}
		if !e.reopen(t) {
			break
		}
	}
}

// testAppendersShareSyncs is the group commit: appends that come while a sync is under way share the next one.
func testAppendersShareSyncs(t *testing.T, e *engine) {
	if e.Syncs == nil {
		t.Skip("the engine does not count its syncs")
	}
	const writers, each = 64, 20
	e.append(t, store.LogID{Stream: 1}, "warm")
	before := e.Syncs()
	appendFromMany(t, e, writers, each)
	syncs := e.Syncs() - before
	t.Logf("%d appends, %d syncs", writers*each, syncs)
	if syncs == 0 {
		t.Error("acknowledged without a sync")
	}
	if syncs > writers*each/2 { // where a sync takes no time, as in memory, few come while one is under way
		t.Errorf("%d syncs for %d appends of %d writers: they do not share", syncs, writers*each, writers)
	}
	before = e.Syncs()
	for i := 0; i < 20; i++ {
		e.append(t, store.LogID{Stream: 1}, "alone")
	}
	if syncs := e.Syncs() - before; syncs < 20 {
		t.Errorf("20 appends one after the other were acknowledged after %d syncs", syncs)
	}
}

func testManyLogs(t *testing.T, e *engine) {
	const writers, each = 32, 30
	appendFromMany(t, e, writers, each)
	for round := 0; round < 2; round++ {
		for w := 0; w < writers; w++ {
			ordinals, data := e.blocks(t, store.LogID{Stream: 9, Shard: uint32(w)}, 0)
			if len(ordinals) != each {
				t.Fatalf("writer %d: %d blocks, want %d", w, len(ordinals), each)
			}
			for i := range data {
				if data[i] != fmt.Sprintf("%d/%d", w, i) || i > 0 && ordinals[i] <= ordinals[i-1] {
					t.Fatalf("writer %d: block %d is %q", w, ordinals[i], data[i])
				}
			}
		}
		if !e.reopen(t) {
			break
		}
	}
}

// appendFromMany appends to a log per writer, and checks that a writer reads its own block as soon as it is answered.
func appendFromMany(t *testing.T, e *engine, writers, each int) {
	var group sync.WaitGroup
	for w := 0; w < writers; w++ {
		group.Go(func() {
			log := store.LogID{Stream: 9, Shard: uint32(w)}
			for i := 0; i < each; i++ {
				want := fmt.Sprintf("%d/%d", w, i)
				ordinal, err := e.Store.Append(t.Context(), log, store.Data(want))
				if err != nil {
					t.Error(err)
					return
				}
				found := false
				for block, err := range e.Store.ReadBlocks(t.Context(), log, ordinal) {
					found = err == nil && block.Ordinal == ordinal && string(block.Data) == want
				}
				if !found {
					t.Errorf("block %d of writer %d is not read after it was acknowledged", ordinal, w)
				}
			}
		})
	}
	group.Wait()
}
