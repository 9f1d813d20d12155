package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/store"
)

func testGetPutDelete(t *testing.T, e *engine) {
	_, err := e.Store.Get(t.Context(), "a", "k")
	wantError(t, "get of nothing", err, store.ErrNotFound)
	keys := []string{"", "k", "k\x00", "k\x00\xff", "\xff\xff", strings.Repeat("long", 100)}
	for _, key := range keys {
		value := []byte("value of " + key)
		e.commit(t, store.Write{Table: "a", Key: key, Value: value})
		clear(value) // the store has its own
	}
	e.commit(t, put("b", "k", "another table"), put("a", "empty", ""))
	for round := 0; round < 2; round++ {
		for _, key := range keys {
			entry := e.get(t, "a", key)
			wantEqual(t, "key", entry.Key, key)
			wantEqual(t, "value", string(entry.Value), "value of "+key)
			if entry.Revision == 0 || entry.Revision == store.Absent {
				t.Errorf("revision %d", entry.Revision)
			}
			clear(entry.Value) // the caller's own copy
			wantEqual(t, "value", string(e.get(t, "a", key).Value), "value of "+key)
		}
		wantEqual(t, "empty value", len(e.get(t, "a", "empty").Value), 0)
		wantEqual(t, "other table", string(e.get(t, "b", "k").Value), "another table")
		if !e.reopen(t) {
			break
		}
	}
	e.commit(t, store.Write{Table: "a", Key: "k", Delete: true}, store.Write{Table: "a", Key: "never", Delete: true})
	_, err = e.Store.Get(t.Context(), "a", "k")
	wantError(t, "get of what was deleted", err, store.ErrNotFound)
	wantEqual(t, "other table", string(e.get(t, "b", "k").Value), "another table")
	e.commit(t) // nothing is no error
}

func testScan(t *testing.T, e *engine) {
	for _, key := range []string{"b", "a", "c", "", "aa", "a\x00", "b\xff", "\xff"} {
		e.commit(t, put("t", key, "v"+key))
	}
	e.commit(t, put("s", "z", "1"), put("t-", "a", "2"), put("u", "a", "3")) // neighbours
	tests := []struct {
		from, to string
		want     []string
	}{
		{"", "", []string{"=v", "a=va", "a\x00=va\x00", "aa=vaa", "b=vb", "b\xff=vb\xff", "c=vc", "\xff=v\xff"}},
		{"a", "b", []string{"a=va", "a\x00=va\x00", "aa=vaa"}},
		{"a", store.PrefixEnd("a"), []string{"a=va", "a\x00=va\x00", "aa=vaa"}},
		{"b", store.PrefixEnd("b"), []string{"b=vb", "b\xff=vb\xff"}},
		{"aa", "", []string{"aa=vaa", "b=vb", "b\xff=vb\xff", "c=vc", "\xff=v\xff"}},
		{"b", "b", nil},
		{"c", "a", nil},
		{"x", "", []string{"\xff=v\xff"}},
		{"", "a", []string{"=v"}},
	}
	for round := 0; round < 2; round++ {
		for _, test := range tests {
			wantEqual(t, fmt.Sprintf("scan %q to %q", test.from, test.to), e.scan(t, "t", test.from, test.to), test.want)
		}
		if !e.reopen(t) {
			break
		}
	}
	e.commit(t, store.Write{Table: "t", Key: "aa", Delete: true})
	wantEqual(t, "scan after a deletion", e.scan(t, "t", "a", "b"), []string{"a=va", "a\x00=va\x00"})
	for range e.Store.Scan(t.Context(), "t", "", "") {
		break // stopping early is no error
	}
}

func testScanSeesOneState(t *testing.T, e *engine) {
	for i := 0; i < 10; i++ {
		e.commit(t, put("t", fmt.Sprintf("k%d", i), "old"))
	}
	var got []string
	for entry, err := range e.Store.Scan(t.Context(), "t", "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			e.commit(t, put("t", "k5", "new"), put("t", "k55", "new"), store.Write{Table: "t", Key: "k7", Delete: true})
		}
		got = append(got, entry.Key+string(entry.Value))
	}
	wantEqual(t, "entries", len(got), 10)
	if slices.Contains(got, "k5new") {
		t.Error("the scan saw a change made after it was called")
	}
	wantEqual(t, "after", len(e.scan(t, "t", "", "")), 10)
}

func testPreconditions(t *testing.T, e *engine) {
	w := put("t", "k", "1")
	w.IfRevision = 12345
	wantError(t, "revision of an absent key", e.Store.Commit(t.Context(), w), store.ErrConflict)
	w.IfRevision = store.Absent
	e.commit(t, w)
	wantError(t, "absent twice", e.Store.Commit(t.Context(), w), store.ErrConflict)
	first := e.get(t, "t", "k")
	e.reopen(t)
	w = put("t", "k", "2")
	w.IfRevision = first.Revision
	e.commit(t, w)
	wantError(t, "an old revision", e.Store.Commit(t.Context(), w), store.ErrConflict)
	second := e.get(t, "t", "k")
	wantEqual(t, "value", string(second.Value), "2")
	del := store.Write{Table: "t", Key: "k", Delete: true, IfRevision: first.Revision}
	wantError(t, "deletion of an old revision", e.Store.Commit(t.Context(), del), store.ErrConflict)
	del.IfRevision = second.Revision
	e.commit(t, del)
	wantError(t, "deletion of a revision that is gone", e.Store.Commit(t.Context(), del), store.ErrConflict)
	del.IfRevision = store.Absent
	e.commit(t, del)
}

func testCommitAtomic(t *testing.T, e *engine) {
	e.commit(t, put("t", "a", "1"), put("u", "b", "1"))
	bad := put("u", "b", "2")
	bad.IfRevision = store.Absent
	for _, writes := range [][]store.Write{
		{put("t", "a", "2"), bad},
		{bad, put("t", "a", "2")},
		{put("t", "c", "2"), put("t", "a", "2"), bad, {Table: "t", Key: "a", Delete: true}},
	} {
		wantError(t, "commit", e.Store.Commit(t.Context(), writes...), store.ErrConflict)
	}
	for round := 0; round < 2; round++ {
		wantEqual(t, "table t", e.scan(t, "t", "", ""), []string{"a=1"})
		wantEqual(t, "table u", e.scan(t, "u", "", ""), []string{"b=1"})
		if !e.reopen(t) {
			break
		}
	}
}

func testCommitSameKey(t *testing.T, e *engine) {
	e.commit(t, put("t", "a", "1"), put("t", "a", "2"))
	wantEqual(t, "the later stands", e.scan(t, "t", "", ""), []string{"a=2"})
	e.commit(t, store.Write{Table: "t", Key: "a", Delete: true}, put("t", "a", "3"))
	wantEqual(t, "the later stands", e.scan(t, "t", "", ""), []string{"a=3"})
	e.commit(t, put("t", "a", "4"), store.Write{Table: "t", Key: "a", Delete: true})
	wantEqual(t, "the later stands", len(e.scan(t, "t", "", "")), 0)
}

func testRevisions(t *testing.T, e *engine) {
	seen := make(map[uint64]bool)
	last := uint64(0)
	for round := 0; round < 4; round++ {
		for i := 0; i < 20; i++ {
			e.commit(t, put("t", "k", fmt.Sprint(i)))
			revision := e.get(t, "t", "k").Revision
			if seen[revision] {
				t.Fatalf("revision %d came back", revision)
			}
			seen[revision] = true
			last = revision
			if i%3 == 0 {
				e.commit(t, store.Write{Table: "t", Key: "k", Delete: true})
			}
		}
		if e.reopen(t) {
			if _, err := e.Store.Get(t.Context(), "t", "k"); err == nil {
				wantEqual(t, "revision after reopening", e.get(t, "t", "k").Revision, last)
			}
		}
	}
}

// testConcurrentCAS counts up one entry from many sides. Every success is one step, so none may be lost.
func testConcurrentCAS(t *testing.T, e *engine) {
	const writers, each = 8, 25
	e.commit(t, put("t", "n", "0"))
	var group sync.WaitGroup
	for w := 0; w < writers; w++ {
		group.Go(func() {
			for i := 0; i < each; {
				entry, err := e.Store.Get(t.Context(), "t", "n")
				if err != nil {
					t.Error(err)
					return
				}
				var n int
				if _, err := fmt.Sscan(string(entry.Value), &n); err != nil {
					t.Error(err)
					return
				}
				next := put("t", "n", fmt.Sprint(n+1))
				next.IfRevision = entry.Revision
				err = e.Store.Commit(t.Context(), next)
				if err == nil {
					i++
				} else if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	wantEqual(t, "count", string(e.get(t, "t", "n").Value), fmt.Sprint(writers*each))
}

// testNoTornCommits keeps two entries equal by commits, and reads them all the while.
func testNoTornCommits(t *testing.T, e *engine) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.commit(t, put("t", "a", "0"), put("t", "z", "0"))
	var group sync.WaitGroup
	for r := 0; r < 3; r++ {
		group.Go(func() {
			last := -1
			for ctx.Err() == nil {
				got := e.scan(t, "t", "", "")
				if len(got) != 2 || strings.TrimPrefix(got[0], "a=") != strings.TrimPrefix(got[1], "z=") {
					t.Errorf("half a commit: %v", got)
					return
				}
				var n int
				if _, err := fmt.Sscanf(got[0], "a=%d", &n); err != nil || n < last {
					t.Errorf("went back from %d to %v", last, got)
					return
				}
				last = n
			}
		})
	}
	for i := 1; i <= 200; i++ {
		e.commit(t, put("t", "a", fmt.Sprint(i)), put("t", "z", fmt.Sprint(i)))
		wantEqual(t, "own write", string(e.get(t, "t", "z").Value), fmt.Sprint(i))
	}
	cancel()
	group.Wait()
}

func testTableNames(t *testing.T, e *engine) {
	for _, name := range []string{"", "A", "a_b", "a1", "a b", "a\x00", "ä", strings.Repeat("a", 65)} {
		if err := e.Store.Commit(t.Context(), put(name, "k", "v")); err == nil {
			t.Errorf("table name %q was accepted by Commit", name)
		}
		if _, err := e.Store.Get(t.Context(), name, "k"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("table name %q was accepted by Get: %v", name, err)
		}
		if scanError(t.Context(), e.Store, name) == nil {
			t.Errorf("table name %q was accepted by Scan", name)
		}
	}
	for _, name := range []string{"a", "-", "event-source-mappings", strings.Repeat("a", 64)} {
		e.commit(t, put(name, "k", "v"))
	}
}

func testLimits(t *testing.T, e *engine) {
	ctx := t.Context()
	_, err := e.Store.Append(ctx, store.LogID{Stream: 1}, make(store.Data, store.MaxBlock+1))
	wantError(t, "block", err, store.ErrTooLarge)
	wantEqual(t, "bounds", e.bounds(t, store.LogID{Stream: 1}), store.Bounds{First: 1, Last: 0})
	key := strings.Repeat("k", store.MaxKey)
	wantError(t, "key", e.Store.Commit(ctx, put("t", key+"k", "")), store.ErrTooLarge)
	e.commit(t, put("t", key, ""))
	value := strings.Repeat("v", store.MaxValue)
	wantError(t, "value", e.Store.Commit(ctx, put("t", "k", value+"v")), store.ErrTooLarge)
	e.commit(t, put("t", "k", value))
	wantEqual(t, "longest value", len(e.get(t, "t", "k").Value), store.MaxValue)
	var many []store.Write
	for i := 0; i*store.MaxValue <= store.MaxCommit; i++ {
		many = append(many, put("t", fmt.Sprint(i), value))
	}
	wantError(t, "commit", e.Store.Commit(ctx, many...), store.ErrTooLarge)
	wantEqual(t, "entries", len(e.scan(t, "t", "", "")), 2)
}
