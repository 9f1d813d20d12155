package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/store"
)

func testCancelled(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	e.append(t, log, "x")
	e.commit(t, put("t", "k", "v"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := allCalls(ctx, e.Store)
	for name, call := range calls {
		wantError(t, name, call(), context.Canceled)
	}
	// A read notices between blocks.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	e.append(t, log, "y")
	n := 0
	var last error
	for _, err := range e.Store.ReadBlocks(ctx, log, 0) {
		if last = err; err == nil {
			n++
		}
		cancel()
	}
	wantEqual(t, "blocks read before the end of the context", n, 1)
	wantError(t, "read", last, context.Canceled)
	e.append(t, log, "z") // and the store goes on
}

func testClosed(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	e.append(t, log, "x")
	e.commit(t, put("t", "k", "v"))
	if err := e.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Store.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	for name, call := range allCalls(t.Context(), e.Store) {
		wantError(t, name, call(), store.ErrClosed)
	}
}

// allCalls returns every call of the contract that takes a context.
func allCalls(ctx context.Context, s store.Store) map[string]func() error {
	log := store.LogID{Stream: 1}
	return map[string]func() error{
		"Append":     func() error { _, err := s.Append(ctx, log, store.Data("late")); return err },
		"ReadBlocks": func() error { return readError(ctx, s, log) },
		"Trim":       func() error { return s.Trim(ctx, log, 2) },
		"DropLogs":   func() error { return s.DropLogs(ctx, 1) },
		"Get":        func() error { _, err := s.Get(ctx, "t", "k"); return err },
		"Scan":       func() error { return scanError(ctx, s, "t") },
		"Commit":     func() error { return s.Commit(ctx, put("t", "k", "late")) },
		"PutBlob":    func() error { _, _, err := s.PutBlob(ctx, strings.NewReader("late"), 10); return err },
		"OpenBlob":   func() error { _, err := s.OpenBlob(ctx, store.BlobID{}); return err },
		"DeleteBlob": func() error { return s.DeleteBlob(ctx, store.BlobID{}) },
		"Bounds":     func() error { _, err := s.Bounds(ctx, log); return err },
	}
}

// testCloseUnderLoad closes while writers write. Each write is answered: acknowledged ones are there afterwards, the
// others say that the store is closed.
func testCloseUnderLoad(t *testing.T, e *engine) {
	const writers = 8
	var group sync.WaitGroup
	acked := make([]uint64, writers)
	started := make(chan struct{}, writers)
	for w := 0; w < writers; w++ {
		group.Go(func() {
			log := store.LogID{Stream: 1, Shard: uint32(w)}
			for i := 0; ; i++ {
				ordinal, err := e.Store.Append(context.Background(), log, store.Data("x"))
				if errors.Is(err, store.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("append during close: %v", err)
					return
				}
				acked[w] = ordinal
				if i == 5 {
					started <- struct{}{}
				}
			}
		})
	}
	for w := 0; w < writers; w++ {
		<-started
	}
	if err := e.Store.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	group.Wait()
	if !e.reopen(t) {
		return
	}
	for w := 0; w < writers; w++ {
		if last := e.bounds(t, store.LogID{Stream: 1, Shard: uint32(w)}).Last; last != acked[w] {
			t.Errorf("writer %d was told of block %d, the log ends at %d", w, acked[w], last)
		}
	}
}

func testWorkload(t *testing.T, e *engine) {
	w := NewWorkload(1, 4)
	for round := 0; round < 3; round++ {
		if err := w.Run(t.Context(), e.Store, 100); err != nil {
			t.Fatal(err)
		}
		w.Check(t, e.Store, w.Record())
		if e.reopen(t) {
			w.Check(t, e.Store, w.Record())
		}
	}
}
