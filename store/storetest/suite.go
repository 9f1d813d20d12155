package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/store"
)

// Harness is one engine under test.
type Harness struct {
	// Store is open and empty. The suite closes it.
	Store store.Store
	// Reopen closes the store and opens it again at the same place. Nil for an engine that forgets when closed.
	Reopen func(t testing.TB) store.Store
	// Syncs returns how often the engine has waited for its medium so far, to see that writers share. Nil when the
	// engine cannot tell.
	Syncs func() int
}

// Run puts an engine through the whole suite. open is called once for every test.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	tests := []struct {
		name string
		test func(*testing.T, *engine)
	}{
		{"AppendGivesOrdinalsInOrder", testAppendOrder},
		{"BlocksAreReadBackInOrder", testReadBlocks},
		{"ReadStopsWhereItWasCalled", testReadIsBounded},
		{"LogsDoNotMix", testLogsDoNotMix},
		{"LogsNeverWritten", testUnknownLog},
		{"BlocksOfAllSizes", testBlockSizes},
		{"TrimMovesTheFirst", testTrim},
		{"TrimOfAllRemembersTheLast", testTrimAll},
		{"TrimUnderReaders", testTrimUnderReaders},
		{"DropForgetsTheStreamOnly", testDrop},
		{"AppendersShareSyncs", testAppendersShareSyncs},
		{"DraftsOverlap", testDraftsOverlap},
		{"DraftsThatFail", testDraftsThatFail},
		{"ManyLogsAtOnce", testManyLogs},
		{"GetPutDelete", testGetPutDelete},
		{"ScanOrderAndBounds", testScan},
		{"ScanSeesOneState", testScanSeesOneState},
		{"Preconditions", testPreconditions},
		{"CommitIsAllOrNothing", testCommitAtomic},
		{"CommitNamesAKeyTwice", testCommitSameKey},
		{"RevisionsNeverComeBack", testRevisions},
		{"ConcurrentCompareAndSet", testConcurrentCAS},
		{"ReadersNeverSeeHalfACommit", testNoTornCommits},
		{"TableNames", testTableNames},
		{"Limits", testLimits},
		{"Blobs", testBlobs},
		{"BlobLimit", testBlobLimit},
		{"BlobFailingReader", testBlobFailingReader},
		{"BlobDeletedWhileRead", testBlobDeletedWhileRead},
		{"CancelledContexts", testCancelled},
		{"Closed", testClosed},
		{"CloseUnderLoad", testCloseUnderLoad},
		{"Workload", testWorkload},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := &engine{Harness: open(t)}
			t.Cleanup(func() {
				if err := e.Store.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			test.test(t, e)
		})
	}
}

// engine is a harness with the means to use it briefly.
type engine struct{ Harness }

// reopen closes and opens the store; it reports false when the engine forgets.
func (e *engine) reopen(t testing.TB) bool {
	t.Helper()
	if e.Reopen == nil {
		return false
	}
	e.Store = e.Reopen(t)
	return true
}

func (e *engine) append(t testing.TB, log store.LogID, data string) uint64 {
	t.Helper()
	ordinal, err := e.Store.Append(t.Context(), log, store.Data(data))
	if err != nil {
		t.Fatalf("append %q to %v: %v", data, log, err)
	}
	return ordinal
}

// blocks returns the contents of a log from an ordinal on.
func (e *engine) blocks(t testing.TB, log store.LogID, from uint64) (ordinals []uint64, data []string) {
	t.Helper()
	for block, err := range e.Store.ReadBlocks(t.Context(), log, from) {
		if err != nil {
			t.Fatalf("read %v: %v", log, err)
		}
		ordinals = append(ordinals, block.Ordinal)
		data = append(data, string(block.Data))
	}
	return ordinals, data
}

func (e *engine) bounds(t testing.TB, log store.LogID) store.Bounds {
	t.Helper()
	bounds, err := e.Store.Bounds(t.Context(), log)
	if err != nil {
		t.Fatalf("bounds of %v: %v", log, err)
	}
	return bounds
}

func (e *engine) trim(t testing.TB, log store.LogID, before uint64) {
	t.Helper()
	if err := e.Store.Trim(t.Context(), log, before); err != nil {
		t.Fatalf("trim %v before %d: %v", log, before, err)
	}
}

func (e *engine) commit(t testing.TB, writes ...store.Write) {
	t.Helper()
	if err := e.Store.Commit(t.Context(), writes...); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func (e *engine) get(t testing.TB, table, key string) store.Entry {
	t.Helper()
	entry, err := e.Store.Get(t.Context(), table, key)
	if err != nil {
		t.Fatalf("get %s %q: %v", table, key, err)
	}
	return entry
}

// scan returns the entries as key=value.
func (e *engine) scan(t testing.TB, table, from, to string) []string {
	t.Helper()
	var found []string
	for entry, err := range e.Store.Scan(t.Context(), table, from, to) {
		if err != nil {
			t.Fatalf("scan %s: %v", table, err)
		}
		found = append(found, entry.Key+"="+string(entry.Value))
	}
	return found
}

func put(table, key, value string) store.Write {
	return store.Write{Table: table, Key: key, Value: []byte(value)}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func wantEqual[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// readError returns the error that a read of a log ends with.
func readError(ctx context.Context, s store.Store, log store.LogID) error {
	for _, err := range s.ReadBlocks(ctx, log, 0) {
		if err != nil {
			return err
		}
	}
	return nil
}

// scanError returns the error that a scan ends with.
func scanError(ctx context.Context, s store.Store, table string) error {
	for _, err := range s.Scan(ctx, table, "", "") {
		if err != nil {
			return err
		}
	}
	return nil
}
