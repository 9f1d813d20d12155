package mapping

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// row is a mapping as the store keeps it.
type row struct {
	UUID    string `json:"uuid"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// Version counts the changes, so that a change is made only to what it was judged by.
	Version     uint64   `json:"version"`
	SourceARN   string   `json:"source"`
	FunctionARN string   `json:"function"` // with the qualifier as it was given
	Settings    Settings `json:"settings"`
	// Sealed are the encrypted filters of a mapping with a key, whose settings have none then. It is set in the store alone.
	Sealed    []byte           `json:"sealed,omitempty"`
	StartType stream.StartType `json:"startType"`
	Timestamp time.Time        `json:"timestamp,omitzero"` // of AT_TIMESTAMP
	// Begun says that the starting position has been turned into checkpoints. Until then, which is for as long as a
	// mapping was never enabled, records put into the stream are not for it.
	Begun        bool      `json:"begun"`
	Phase        phase     `json:"phase"`
	LastModified time.Time `json:"lastModified"`
}

// pair is what must be unique: a source and a function with its qualifier as given.
type pair struct {
	UUID string `json:"uuid"`
}

func (r *row) pairKey() string { return store.Key(r.SourceARN, r.FunctionARN) }

// source returns the stream that is read. Rows are made of names, so that their ARNs parse; load has seen to it.
func (r *row) source() stream.Name {
	name, _, _ := parseSource(r.SourceARN)
	return name
}

// consumer returns the consumer that the stream is read for, if there is one.
func (r *row) consumer() (stream.ConsumerID, bool) {
	_, id, _ := parseSource(r.SourceARN)
	return id, id.Created != 0
}

// function returns the function that is invoked.
func (r *row) function() function.Ref {
	ref, _ := function.ParseRef(r.FunctionARN, r.Account, r.Region)
	return ref
}

// start returns where shards are read from that were there when the mapping began.
func (r *row) start() stream.Start { return stream.Start{Type: r.StartType, Timestamp: r.Timestamp} }

// table keeps mappings in the store: the rows by UUID, the pairs that keep two mappings from being the same, and the
// results of their last invocations, which are written lazily, the tags, and the secrets of encrypted filters.
type table struct {
	tables  store.Tables
	rows    store.Collection[row]
	pairs   store.Collection[pair]
	results store.Collection[string]
	tags    store.Collection[map[string]string] // of those that have some
	secrets store.Collection[[]byte]            // of sealed rows
}

func newTable(t store.Tables) table {
	return table{
		tables:  t,
		rows:    store.NewCollection[row](t, "mappings"),
		pairs:   store.NewCollection[pair](t, "mapping-pairs"),
		results: store.NewCollection[string](t, "mapping-results"),
		tags:    store.NewCollection[map[string]string](t, "mapping-tags"),
		secrets: store.NewCollection[[]byte](t, "mapping-secrets"),
	}
}

// load yields all mappings with the results of their last invocations. It stops after yielding an error.
func (t table) load(ctx context.Context) iter.Seq2[*entry, error] {
	return func(yield func(*entry, error) bool) {
		for item, err := range t.rows.Scan(ctx, "") {
			var e *entry
			if err == nil {
				e, err = t.entry(ctx, item.Value)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (t table) entry(ctx context.Context, r row) (*entry, error) {
	if _, _, err := parseSource(r.SourceARN); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", r.UUID, err)
	}
	if _, err := function.ParseRef(r.FunctionARN, r.Account, r.Region); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", r.UUID, err)
	}
	r, err := t.open(ctx, r)
	if err != nil {
		return nil, err
	}
	e := newEntry(r)
	result, _, err := t.results.Get(ctx, r.UUID)
	switch {
	case err == nil:
		e.result, e.saved = result, result
	case !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("mapping %s: %w", r.UUID, err)
	}
	return e, nil
}

// entry is a mapping in memory.
type entry struct {
	uuid  string
	stats stats
	log   *history.Log   // of its batches; set before the entry is seen, as is the shelf
	shelf *history.Shelf // for the discarded ones

	mu      sync.Mutex
	row     row
	changed chan struct{} // closed when row changes
	result  string        // LastProcessingResult
	saved   string        // the result as the store has it
	reading *reading      // nil while the stream is not read
	doing   doing         // what is waited for then
	removed bool
}

func newEntry(r row) *entry {
	return &entry{uuid: r.UUID, row: r, changed: make(chan struct{}), result: resultNone, saved: resultNone}
}

// current returns the row and a channel that is closed when it is no longer the current one.
func (e *entry) current() (row, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.row, e.changed
}

func (e *entry) set(r row) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.become(r)
}

// catchUp takes in a row that the store has, unless memory has it or a newer one.
func (e *entry) catchUp(stored row) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if stored.Version > e.row.Version {
		e.become(stored)
	}
}

// become makes the row the current one; the caller holds the mutex.
func (e *entry) become(r row) {
	e.row = r
	close(e.changed)
	e.changed = make(chan struct{})
}

// report sets the result of the last invocation and says whether it is a new one.
func (e *entry) report(result string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.result = result
	return e.result != e.saved
}

// unsaved returns the result if the store does not have it.
func (e *entry) unsaved() (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.result, e.result != e.saved
}

func (e *entry) markSaved(result string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.saved = result
}

func (e *entry) markRemoved() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.removed = true
}

func (e *entry) isRemoved() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.removed
}

// snapshot returns what a client is told of the mapping at a time.
func (e *entry) snapshot(now time.Time) Mapping {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.row.mapping(e.row.Phase.at(now))
	m.LastProcessingResult = e.result
	return m
}

// mapping returns the row as a client sees it, in the given state.
func (r *row) mapping(state State) Mapping {
	settings := r.Settings
	settings.Filters = slices.Clone(settings.Filters)
	consumer, _ := r.consumer()
	return Mapping{
		UUID:                  r.UUID,
		Account:               r.Account,
		Region:                r.Region,
		Source:                r.source(),
		Consumer:              consumer,
		Function:              r.function(),
		Settings:              settings,
		Start:                 r.start(),
		State:                 state,
		StateTransitionReason: userAction,
		LastModified:          r.LastModified,
	}
}
