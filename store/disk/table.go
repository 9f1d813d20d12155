package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// maxTableName is the longest name of a table.
const maxTableName = 64

// Get implements store.Tables.
func (s *Store) Get(ctx context.Context, table, key string) (store.Entry, error) {
	entry, err := s.get(ctx, table, key)
	if err != nil {
		return store.Entry{}, fmt.Errorf("get %s %q: %w", table, key, err)
	}
	return entry, nil
}

func (s *Store) get(ctx context.Context, table, key string) (store.Entry, error) {
	if err := checkTable(table); err != nil {
		return store.Entry{}, err
	}
	if err := s.enter(ctx); err != nil {
		return store.Entry{}, err
	}
	defer s.leave()
	entry, err := s.getApplied(table, key)
	if err != nil {
		return store.Entry{}, err
	}
	// Only now: a change that was in Pebble by the time of the read is in the overlay until it is durable.
	s.mu.Lock()
	if durable, pending := s.overlay.durable(table, key); pending {
		entry = durable
		entry.Value = slices.Clone(durable.Value)
	}
	s.mu.Unlock()
	if entry.Revision == 0 {
		return store.Entry{}, store.ErrNotFound
	}
	return entry, nil
}

// getApplied returns what Pebble has under the key, durable or not; revision 0 when there is nothing.
func (s *Store) getApplied(table, key string) (store.Entry, error) {
	k := tableKey(table, key)
	entry := store.Entry{Key: key}
	err := s.lookup(k, func(value []byte) (err error) {
		if entry, err = decodeEntry(k, key, value); err != nil {
			return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
		}
		return nil
	})
	if errors.Is(err, pebble.ErrNotFound) {
		return store.Entry{Key: key}, nil
	}
	return entry, err
}

// Scan implements store.Tables.
func (s *Store) Scan(ctx context.Context, table, from, to string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := s.scan(ctx, table, from, to, yield); err != nil {
			yield(store.Entry{}, fmt.Errorf("scan %s from %q to %q: %w", table, from, to, err))
		}
	}
}

func (s *Store) scan(ctx context.Context, table, from, to string, yield func(store.Entry, error) bool) error {
	if err := checkTable(table); err != nil {
		return err
	}
	if to != "" && from >= to {
		return nil
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()

	end := tableEnd(table)
	if to != "" {
		end = tableKey(table, to)
	}
	// Both under one lock: no change becomes durable, and none enters the overlay, between the two, so together they
	// are one state. Making an iterator touches memory only; the disk is read when it moves.
	s.mu.Lock()
	pending := s.overlay.between(table, from, to)
	at, err := s.newCursor(tableKey(table, from), end)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer at.close()
	state := tableState{at: at, ok: at.first(), prefix: len(tableKey(table, "")), pending: pending}
	for {
		entry, err := state.next()
		if err == nil && entry.Revision != 0 {
			err = ctx.Err()
		}
		if err != nil || entry.Revision == 0 {
			return err
		}
		if !yield(entry, nil) {
			return nil
		}
	}
}

// tableState walks over one durable state of a table: Pebble's entries, with those of keys that have changes under way
// in their stead.
type tableState struct {
	at      *cursor
	ok      bool // at is on an entry
	prefix  int  // length of what comes before the table's keys
	pending []store.Entry
}

// next returns the next entry, one with revision 0 at the end.
func (t *tableState) next() (store.Entry, error) {
	for t.at.err == nil && len(t.pending) > 0 && (!t.ok || t.pending[0].Key <= t.key()) {
		// What is durable of the key is here; what Pebble has of it is not to be seen.
		entry := t.pending[0]
		t.pending = t.pending[1:]
		if t.ok && entry.Key == t.key() {
			t.ok = t.at.next()
		}
		if entry.Revision != 0 {
			entry.Value = slices.Clone(entry.Value)
			return entry, nil
		}
	}
	if !t.ok {
		return store.Entry{}, t.at.err
	}
	key := t.key()
	value, err := t.at.value()
	if err != nil {
		return store.Entry{}, fmt.Errorf("key %q: %w", key, err)
	}
	entry, err := decodeEntry(t.at.key(), key, value)
	if err != nil {
		return store.Entry{}, fmt.Errorf("key %q: %w: %w", key, store.ErrCorrupt, err)
	}
	t.ok = t.at.next()
	return entry, nil
}

func (t *tableState) key() string { return string(t.at.key()[t.prefix:]) }

// Commit implements store.Tables.
func (s *Store) Commit(ctx context.Context, writes ...store.Write) error {
	if err := s.commit(ctx, writes); err != nil {
		return fmt.Errorf("commit %s: %w", commitName(writes), err)
	}
	return nil
}

func (s *Store) commit(ctx context.Context, writes []store.Write) error {
	size, relief, err := checkWrites(writes)
	if err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if len(writes) == 0 {
		return nil
	}
	if relief {
		err = s.space.admitRelief()
	} else {
		err = s.space.admit(size)
	}
	if err != nil {
		return err
	}
	// The caller may go away before the write is through: from here on it has copies.
	writes = slices.Clone(writes)
	for i := range writes {
		writes[i].Value = bytes.Clone(writes[i].Value)
	}
	c := &commit{store: s, writes: writes}
	w := &write{batch: s.db.NewBatch(), bytes: size, prepare: c.prepare, publish: c.publish}
	return s.submit(ctx, w)
}

// commit is one call of Commit in the pipeline.
type commit struct {
	store  *Store
	writes []store.Write
}

// prepare judges the preconditions against the newest state, durable or not, and fills the batch.
func (c *commit) prepare(batch *pebble.Batch) error {
	s := c.store
	before := make([]store.Entry, len(c.writes))
	for i, w := range c.writes {
		var err error
		if before[i], err = s.newest(w.Table, w.Key); err != nil {
			return fmt.Errorf("%s %q: %w", w.Table, w.Key, err)
		}
		if !holds(w.IfRevision, before[i].Revision) {
			return fmt.Errorf("%s %q: %w", w.Table, w.Key, store.ErrConflict)
		}
	}
	revision, err := s.nextRevision(batch)
	if err != nil {
		return err
	}
	for i, w := range c.writes {
		key := tableKey(w.Table, w.Key)
		if w.Delete {
			err = batch.Delete(key, nil)
		} else {
			err = batch.Set(key, sealed(key, appendEntryBody(make([]byte, 0, 8+len(w.Value)), revision, w.Value)), nil)
		}
		if err != nil {
			return fmt.Errorf("%s %q: %w", w.Table, w.Key, err)
		}
		before[i].Key = w.Key
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range c.writes {
		change := store.Entry{Key: w.Key}
		if !w.Delete {
			change.Revision, change.Value = revision, w.Value
		}
		s.overlay.add(w.Table, change, before[i])
	}
	return nil
}

func (c *commit) publish() {
	for _, w := range c.writes {
		c.store.overlay.settle(w.Table, w.Key)
	}
}

// newest returns the newest state of the key, durable or not. Only the apply stage asks, so nothing changes meanwhile.
func (s *Store) newest(table, key string) (store.Entry, error) {
	s.mu.Lock()
	entry, pending := s.overlay.latest(table, key)
	s.mu.Unlock()
	if pending {
		return entry, nil
	}
	return s.getApplied(table, key)
}

// holds reports whether a precondition holds for a key of the given revision, 0 when it does not exist.
func holds(ifRevision, revision uint64) bool {
	switch ifRevision {
	case 0:
		return true
	case store.Absent:
		return revision == 0
	default:
		return revision == ifRevision
	}
}

func checkTable(table string) error {
	if len(table) == 0 || len(table) > maxTableName {
		return fmt.Errorf("table name %q: must have 1 to %d characters", table, maxTableName)
	}
	for _, c := range []byte(table) {
		if (c < 'a' || c > 'z') && c != '-' {
			return fmt.Errorf("table name %q: only a-z and '-' are allowed", table)
		}
	}
	return nil
}

// checkWrites judges a commit's form. It returns its bytes, and whether it only deletes.
func checkWrites(writes []store.Write) (size int64, relief bool, err error) {
	relief = true
	for _, w := range writes {
		if err := checkTable(w.Table); err != nil {
			return 0, false, err
		}
		if len(w.Key) > store.MaxKey {
			return 0, false, fmt.Errorf("%s: key of %d bytes: %w", w.Table, len(w.Key), store.ErrTooLarge)
		}
		if len(w.Value) > store.MaxValue {
			return 0, false, fmt.Errorf("%s %q: value of %d bytes: %w", w.Table, w.Key, len(w.Value), store.ErrTooLarge)
		}
		size += int64(len(w.Key) + len(w.Value))
		relief = relief && w.Delete
	}
	if size > store.MaxCommit {
		return 0, false, fmt.Errorf("%d bytes: %w", size, store.ErrTooLarge)
	}
	return size, relief, nil
}

// commitName names a commit in an error.
func commitName(writes []store.Write) string {
	switch len(writes) {
	case 0:
		return "of nothing"
	case 1:
		return fmt.Sprintf("%s %q", writes[0].Table, writes[0].Key)
	default:
		return fmt.Sprintf("%s %q and %d more", writes[0].Table, writes[0].Key, len(writes)-1)
	}
}
