package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/millrace/millrace/store"
)

// violation is a finding against a store that answered, as opposed to an error that it answered with.
type violation struct{ text string }

func (v violation) Error() string { return v.text }

func violated(format string, args ...any) error { return violation{fmt.Sprintf(format, args...)} }

// Check holds a store against the record of the moment it was stopped at.
func (w *Workload) Check(t testing.TB, s store.Store, r Record) {
	t.Helper()
	w.CheckBetween(t, s, r, r)
}

// CheckBetween holds a store against two records: it was stopped after the first and before the second. Everything in
// the first must be there, and nothing but what is in the second or was under way then.
func (w *Workload) CheckBetween(t testing.TB, s store.Store, first, second Record) {
	t.Helper()
	violations, failures := w.judge(s, first, second)
	for _, err := range append(violations, failures...) {
		t.Error(err)
	}
}

// CheckDamaged holds a store that lies on damaged files against a record. It may answer that it found damage; these
// answers are returned. What else it answers must be as written.
func (w *Workload) CheckDamaged(t testing.TB, s store.Store, r Record) []error {
	t.Helper()
	violations, failures := w.judge(s, r, r)
	for _, err := range violations {
		t.Error(err)
	}
	for _, err := range failures {
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("damage is not called so: %v", err)
		}
	}
	return failures
}

func (w *Workload) judge(s store.Store, first, second Record) (violations, failures []error) {
	ctx := context.Background()
	for i, wr := range w.writers {
		for _, err := range []error{
			wr.checkLogs(ctx, s, first[i], second[i]),
			wr.checkPair(ctx, s, first[i], second[i]),
			wr.checkBlobs(ctx, s, first[i], second[i]),
		} {
			var v violation
			switch {
			case err == nil:
			case errors.As(err, &v):
				violations = append(violations, fmt.Errorf("writer %d: %w\nacknowledged before: %s\nand after: %s",
					i, err, first[i].summary(), second[i].summary()))
			default:
				failures = append(failures, fmt.Errorf("writer %d: %w", i, err))
			}
		}
	}
	return violations, failures
}

// Settle finds out what became of the acts that were under way when the store was stopped, so that Run can go on.
func (w *Workload) Settle(ctx context.Context, s store.Store) error {
	for _, wr := range w.writers {
		if err := wr.settle(ctx, s); err != nil {
			return fmt.Errorf("writer %d: %w", wr.id, err)
		}
	}
	return nil
}

// Probe writes to where every writer was, and checks that the numbers given are new.
func (w *Workload) Probe(t testing.TB, s store.Store, r Record) {
	t.Helper()
	ctx := context.Background()
	for i, wr := range w.writers {
		log := wr.log(r[i].generation)
		bounds, err := s.Bounds(ctx, log)
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
			continue
		}
		ordinal, err := s.Append(ctx, log, store.Data("probe"))
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
			continue
		}
		if ordinal <= bounds.Last {
			t.Errorf("writer %d: ordinal %d was given again, the log ended at %d", i, ordinal, bounds.Last)
		}
		key := fmt.Sprintf("probe/%d", wr.base)
		if err := s.Commit(ctx, put(pairTable, key, "probe")); err != nil {
			t.Errorf("writer %d: %v", i, err)
			continue
		}
		entry, err := s.Get(ctx, pairTable, key)
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
		for version, revision := range r[i].pair {
			if revision == entry.Revision {
				t.Errorf("writer %d: revision %d of version %d was given again", i, revision, version)
			}
		}
	}
}

func (s state) summary() string {
	last := uint64(0)
	if n := len(s.ordinals); n > 0 {
		last = s.ordinals[n-1]
	}
	under := "nothing"
	if s.underWay != nil {
		under = s.underWay.String()
	}
	return fmt.Sprintf("log %d with %d blocks to ordinal %d trimmed before %d, pair version %d, %d blobs, under way %s",
		s.generation, len(s.ordinals), last, s.trimmed, len(s.pair)-1, len(s.blobs), under)
}

func (s state) doing(kind actKind) bool { return s.underWay != nil && s.underWay.kind == kind }

func (w *writer) checkLogs(ctx context.Context, s store.Store, first, second state) error {
	for generation := 0; generation < first.generation; generation++ {
		bounds, err := s.Bounds(ctx, w.log(generation))
		if err != nil {
			return err
		}
		if (bounds != store.Bounds{First: 1}) {
			return violated("log %d was dropped and has bounds %+v", generation, bounds)
		}
	}
	blocks, err := w.readLog(ctx, s, first.generation)
	if err != nil {
		return err
	}
	bounds, err := s.Bounds(ctx, w.log(first.generation))
	if err != nil {
		return err
	}
	maybeDropped := second.generation > first.generation || first.doing(actDrop) || second.doing(actDrop)
	if maybeDropped {
		if len(blocks) == 0 && bounds == (store.Bounds{First: 1}) {
			return nil
		}
		if second.generation > first.generation {
			return w.checkBounds(bounds, blocks) // how far it got before it was dropped is not known
		}
	}
	if err := w.checkBounds(bounds, blocks); err != nil {
		return err
	}
	last := uint64(0)
	if n := len(first.ordinals); n > 0 {
		last = first.ordinals[n-1]
	}
	if bounds.Last < last {
		return violated("log %d ends at block %d, block %d was acknowledged", first.generation, bounds.Last, last)
	}
	return w.checkBlocks(blocks, first, second)
}

// checkBounds checks that the bounds are those of the blocks.
func (w *writer) checkBounds(bounds store.Bounds, blocks []indexed) error {
	if len(blocks) == 0 {
		if !bounds.Empty() {
			return violated("no blocks, but bounds %+v", bounds)
		}
		return nil
	}
	if bounds.First != blocks[0].ordinal || bounds.Last != blocks[len(blocks)-1].ordinal {
		return violated("blocks %d to %d, but bounds %+v", blocks[0].ordinal, blocks[len(blocks)-1].ordinal, bounds)
	}
	return nil
}

// checkBlocks checks which blocks are there.
func (w *writer) checkBlocks(blocks []indexed, first, second state) error {
	if len(blocks) > 0 {
		limit := second.trimmed
		if second.doing(actTrim) {
			limit = max(limit, second.underWay.trim)
		}
		if at := blocks[0]; at.index > 0 && at.index <= len(second.ordinals) && second.ordinals[at.index-1] >= limit {
			return violated("the log begins at block %d, only those before %d were trimmed", at.ordinal, limit)
		}
	}
	for i, b := range blocks {
		switch {
		case b.ordinal < first.trimmed:
			return violated("block %d is there, all before %d were trimmed", b.ordinal, first.trimmed)
		case i > 0 && b.index != blocks[i-1].index+1:
			return violated("block %d holds the %dth append, after the %dth", b.ordinal, b.index, blocks[i-1].index)
		case b.index < len(second.ordinals) && second.ordinals[b.index] != b.ordinal:
			return violated("block %d holds what was acknowledged as block %d", b.ordinal, second.ordinals[b.index])
		case b.index == len(second.ordinals) && !second.doing(actAppend) || b.index > len(second.ordinals):
			return violated("block %d holds the %dth append, which was not begun", b.ordinal, b.index)
		}
	}
	if n := len(first.ordinals); n > 0 && first.ordinals[n-1] >= second.trimmed && !second.doing(actTrim) {
		if len(blocks) == 0 || blocks[len(blocks)-1].index < n-1 {
			return violated("block %d was acknowledged and is not there", first.ordinals[n-1])
		}
	}
	return nil
}

// indexed is a block whose bytes were recognized.
type indexed struct {
	ordinal uint64
	index   int
}

// readLog reads a log and recognizes every byte of it.
func (w *writer) readLog(ctx context.Context, s store.Store, generation int) ([]indexed, error) {
	var blocks []indexed
	for block, err := range s.ReadBlocks(ctx, w.log(generation), 0) {
		if err != nil {
			return nil, err
		}
		var base uint64
		var gen, index int
		if _, err := fmt.Sscanf(string(block.Data[:min(len(block.Data), 60)]), "%d:%d:%d:", &base, &gen, &index); err != nil {
			return nil, violated("block %d holds strange bytes: %v", block.Ordinal, err)
		}
		if base != w.base || gen != generation || !bytes.Equal(block.Data, w.payload(generation, index)) {
			return nil, violated("block %d holds bytes that were not written to it", block.Ordinal)
		}
		blocks = append(blocks, indexed{ordinal: block.Ordinal, index: index})
	}
	return blocks, nil
}

func (w *writer) checkPair(ctx context.Context, s store.Store, first, second state) error {
	version, revision, err := w.readPair(ctx, s)
	if err != nil {
		return err
	}
	least, most := len(first.pair)-1, len(second.pair)-1
	if second.doing(actPutPair) {
		most++
	}
	if version == 0 {
		for v := least; v < len(second.pair); v++ {
			if second.pair[v] == 0 {
				return nil
			}
		}
		if second.doing(actDeletePair) {
			return nil
		}
		return violated("the pair is absent, versions %d to %d were written", least, most)
	}
	if version < least || version > most {
		return violated("the pair is at version %d, versions %d to %d were written", version, least, most)
	}
	if version < len(second.pair) && second.pair[version] != revision {
		return violated("version %d of the pair has revision %d, acknowledged was %d", version, revision, second.pair[version])
	}
	return nil
}

// readPair returns the version of the pair, 0 when it is absent.
func (w *writer) readPair(ctx context.Context, s store.Store) (version int, revision uint64, err error) {
	var values [2][]byte
	for i, key := range w.pairKeys() {
		entry, err := s.Get(ctx, pairTable, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return 0, 0, err
		}
		values[i], revision = entry.Value, entry.Revision
	}
	if !bytes.Equal(values[0], values[1]) {
		return 0, 0, violated("half a commit: %.40q and %.40q", values[0], values[1])
	}
	if revision == 0 {
		return 0, 0, nil
	}
	var base uint64
	if _, err := fmt.Sscanf(string(values[0][:min(len(values[0]), 60)]), "%d:%d:", &base, &version); err != nil {
		return 0, 0, violated("the pair holds strange bytes: %v", err)
	}
	if base != w.base || !bytes.Equal(values[0], w.pairValue(version)) {
		return 0, 0, violated("the pair holds bytes that were not written to it")
	}
	return version, revision, nil
}

func (w *writer) checkBlobs(ctx context.Context, s store.Store, first, second state) error {
	for i, there := range first.blobs {
		open := func(st state) bool { return st.doing(actDeleteBlob) && st.underWay.index == i }
		if second.blobs[i] != there || open(first) || open(second) {
			continue
		}
		found, err := w.readBlob(ctx, s, i)
		if err != nil {
			return err
		}
		if found != there {
			return violated("blob %d: there is %t, acknowledged was %t", i, found, there)
		}
	}
	for i := len(first.blobs); i <= len(second.blobs); i++ {
		if _, err := w.readBlob(ctx, s, i); err != nil { // whole or not at all
			return err
		}
	}
	return nil
}

func (w *writer) readBlob(ctx context.Context, s store.Store, index int) (bool, error) {
	want := w.blob(index)
	r, err := s.OpenBlob(ctx, sha256.Sum256(want))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return false, err
	}
	if !bytes.Equal(got, want) {
		return false, violated("blob %d holds bytes that were not written to it", index)
	}
	return true, nil
}

// settle acknowledges the act under way if it happened, and forgets it otherwise.
func (w *writer) settle(ctx context.Context, s store.Store) error {
	st := w.state()
	if st.underWay == nil {
		return nil
	}
	happened, number := false, uint64(0)
	switch a := *st.underWay; a.kind {
	case actAppend:
		bounds, err := s.Bounds(ctx, w.log(st.generation))
		if err != nil {
			return err
		}
		happened = bounds.Last > 0 && (len(st.ordinals) == 0 || bounds.Last > st.ordinals[len(st.ordinals)-1])
		number = bounds.Last
	case actPutPair, actDeletePair:
		version, revision, err := w.readPair(ctx, s)
		if err != nil {
			return err
		}
		// That a deletion happened is not to be told from an older one, and need not be.
		happened, number = version == a.index || a.kind == actDeletePair && version == 0, revision
	case actDrop, actTrim, actPutBlob, actDeleteBlob:
		// These may be done twice.
		var err error
		if number, err = w.do(ctx, s, a); err != nil {
			return err
		}
		happened = true
	}
	if happened {
		return w.ack(number)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.underWay = nil
	return nil
}
