package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/millrace/millrace/store"
)

// actKind is a kind of act.
type actKind string

const (
	actAppend     actKind = "append"
	actTrim       actKind = "trim"
	actDrop       actKind = "drop"
	actPutPair    actKind = "put pair"
	actDeletePair actKind = "delete pair"
	actPutBlob    actKind = "put blob"
	actDeleteBlob actKind = "delete blob"
)

// act is one thing that a writer does.
type act struct {
	kind  actKind
	index int    // of the block, the pair's version or the blob
	trim  uint64 // before which ordinal
}

// String names the act in an error.
func (a act) String() string { return fmt.Sprintf("%s %d", a.kind, a.index) }

// state is what one writer knows to be durable. Values of it share their slices, which only grow.
type state struct {
	generation int      // of the log: dropped logs come before it
	ordinals   []uint64 // of the log's blocks, by index, trimmed ones too
	trimmed    uint64   // before this ordinal
	pair       []uint64 // the revision of each version of the pair, 0 for a deletion; version 0 is its absence
	blobs      []bool   // by index, whether it is there
	underWay   *act     // begun and not acknowledged
}

// writer is one writer of a workload.
type writer struct {
	id   int
	base uint64 // its place in the store

	mu  sync.Mutex
	rng *rand.Rand
	now state
}

const (
	pairTable  = "workload-pairs"
	maxPayload = 3000
	bigPayload = 50_000
)

func newWriter(seed uint64, id int) *writer {
	return &writer{
		id:   id,
		base: (seed*1000 + uint64(id)) * 1000,
		rng:  rand.New(rand.NewPCG(seed, uint64(id))),
		now:  state{pair: []uint64{0}},
	}
}

func (w *writer) state() state {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// begin chooses the next act.
func (w *writer) begin() act {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := act{kind: actAppend, index: len(w.now.ordinals)}
	switch dice := w.rng.IntN(100); {
	case dice < 60:
	case dice < 85:
		a = act{kind: actPutPair, index: len(w.now.pair)}
	case dice < 89:
		a = act{kind: actDeletePair, index: len(w.now.pair)}
	case dice < 94 && len(w.now.ordinals) > 0:
		at := w.rng.IntN(len(w.now.ordinals))
		a = act{kind: actTrim, index: at, trim: w.now.ordinals[at] + 1}
	case dice < 95:
		a = act{kind: actDrop, index: w.now.generation}
	case dice < 98:
		a = act{kind: actPutBlob, index: len(w.now.blobs)}
	case len(w.now.blobs) > 0:
		a = act{kind: actDeleteBlob, index: w.rng.IntN(len(w.now.blobs))}
	}
	w.now.underWay = &a
	return a
}

// do carries the act out. The number is the ordinal or the revision that came of it.
func (w *writer) do(ctx context.Context, s store.Store, a act) (uint64, error) {
	w.mu.Lock()
	generation := w.now.generation
	w.mu.Unlock()
	switch a.kind {
	case actAppend:
		return s.Append(ctx, w.log(generation), store.Data(w.payload(generation, a.index)))
	case actTrim:
		return 0, s.Trim(ctx, w.log(generation), a.trim)
	case actDrop:
		return 0, s.DropLogs(ctx, w.log(generation).Stream)
	case actPutPair, actDeletePair:
		return w.commitPair(ctx, s, a)
	case actPutBlob:
		data := w.blob(a.index)
		id, _, err := s.PutBlob(ctx, bytes.NewReader(data), int64(len(data)))
		if err == nil && id != store.BlobID(sha256.Sum256(data)) {
			err = errors.New("the blob has another id")
		}
		return 0, err
	case actDeleteBlob:
		return 0, s.DeleteBlob(ctx, sha256.Sum256(w.blob(a.index)))
	default:
		return 0, fmt.Errorf("unknown act %q", a.kind)
	}
}

// commitPair changes both entries of the pair, if neither changed since.
func (w *writer) commitPair(ctx context.Context, s store.Store, a act) (uint64, error) {
	var writes []store.Write
	for _, key := range w.pairKeys() {
		entry, err := s.Get(ctx, pairTable, key)
		revision := entry.Revision
		if errors.Is(err, store.ErrNotFound) {
			revision = store.Absent
		} else if err != nil {
			return 0, err
		}
		write := store.Write{Table: pairTable, Key: key, IfRevision: revision, Delete: a.kind == actDeletePair}
		if !write.Delete {
			write.Value = w.pairValue(a.index)
		}
		writes = append(writes, write)
	}
	if err := s.Commit(ctx, writes...); err != nil {
		return 0, err
	}
	if a.kind == actDeletePair {
		return 0, nil
	}
	entry, err := s.Get(ctx, pairTable, w.pairKeys()[0])
	if err != nil {
		return 0, fmt.Errorf("own write: %w", err)
	}
	return entry.Revision, nil
}

// ack notes that the act under way is durable.
func (w *writer) ack(number uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.now.underWay
	if a == nil {
		return errors.New("acknowledged without an act")
	}
	w.now.underWay = nil
	switch a.kind {
	case actAppend:
		if n := len(w.now.ordinals); n > 0 && number <= w.now.ordinals[n-1] {
			return fmt.Errorf("ordinal %d after %d", number, w.now.ordinals[n-1])
		}
		w.now.ordinals = append(w.now.ordinals, number)
	case actTrim:
		w.now.trimmed = max(w.now.trimmed, a.trim)
	case actDrop:
		w.now.generation++
		w.now.ordinals, w.now.trimmed = nil, 0
	case actPutPair, actDeletePair:
		if number != 0 && slices.Contains(w.now.pair, number) {
			return fmt.Errorf("revision %d came back", number)
		}
		w.now.pair = append(w.now.pair, number)
	case actPutBlob:
		w.now.blobs = append(slices.Clone(w.now.blobs), true)
	case actDeleteBlob:
		w.now.blobs = slices.Clone(w.now.blobs)
		w.now.blobs[a.index] = false
	}
	return nil
}

// Where a writer writes, and what.

func (w *writer) log(generation int) store.LogID {
	return store.LogID{Stream: w.base + uint64(generation), Shard: uint32(w.id)}
}

func (w *writer) pairKeys() []string {
	return []string{fmt.Sprintf("%d/a", w.base), fmt.Sprintf("%d/z", w.base)}
}

func (w *writer) pairValue(version int) []byte {
	return fill(fmt.Sprintf("%d:%d:", w.base, version), 100+version%400)
}

func (w *writer) payload(generation, index int) []byte {
	size := (index*7919 + generation*104729) % maxPayload
	if index%29 == 28 {
		size = bigPayload
	}
	return fill(fmt.Sprintf("%d:%d:%d:", w.base, generation, index), size)
}

func (w *writer) blob(index int) []byte {
	return fill(fmt.Sprintf("%d:blob:%d:", w.base, index), 5000+index*100)
}

// fill makes a text at least so long that differs in every place from others.
func fill(head string, size int) []byte {
	data := []byte(head)
	for i := 0; len(data) < size; i++ {
		data = fmt.Appendf(data, "%s%d,", head, i)
	}
	return data
}
