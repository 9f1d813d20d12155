package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/millrace/millrace/store"
)

// Tables of the store: what is known of each discarded batch, and its records.
const (
	discardedTable = "mapping-discarded"
	partsTable     = "mapping-discarded-records"
)

// Limits bound what one mapping's shelf holds. A zero of either keeps nothing.
type Limits struct {
	Batches int   // so many discarded batches
	Bytes   int64 // of the store, for these and their records
}

// Shelf keeps the discarded batches of one mapping in the store. Its methods may be called at the same time from many
// goroutines.
type Shelf struct {
	mapping string
	limits  Limits
	tables  store.Tables
	heads   store.Collection[Discarded]
	parts   store.Collection[part]

	mu     sync.Mutex
	loaded bool
	books  []book // in order of their ids
	bytes  int64
	last   ID
}

// book is what is on the shelf, as far as making room goes.
type book struct {
	id      ID
	parts   int
	bytes   int64
	durable bool
}

// NewShelf returns the shelf of the named mapping. It reads nothing yet.
func NewShelf(t store.Tables, mapping string, limits Limits) *Shelf {
	return &Shelf{
		mapping: mapping, limits: limits, tables: t,
		heads: store.NewCollection[Discarded](t, discardedTable), parts: store.NewCollection[part](t, partsTable),
	}
}

// Keeps reports whether anything is kept at all.
func (s *Shelf) Keeps() bool { return s.limits.Batches > 0 && s.limits.Bytes > 0 }

func (s *Shelf) headKey(id ID) string { return store.Key(s.mapping, id.String()) }

func (s *Shelf) partKey(id ID, n int) string {
	return store.Key(s.mapping, id.String(), fmt.Sprintf("%06d", n))
}

// load reads what the shelf holds, once.
func (s *Shelf) load(ctx context.Context) error {
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if loaded {
		return nil
	}
	var books []book
	bytes, last := int64(0), ID(0)
	for item, err := range s.heads.Scan(ctx, store.Key(s.mapping, "")) {
		if err != nil {
			return fmt.Errorf("load discarded batches of mapping %s: %w", s.mapping, err)
		}
		d := &item.Value
		books = append(books, book{id: d.ID, parts: len(d.Parts), bytes: d.Bytes, durable: true})
		bytes, last = bytes+d.Bytes, max(last, d.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded { // nobody was faster, and nothing was placed meanwhile
		s.loaded, s.books, s.bytes, s.last = true, books, bytes, max(s.last, last)
	}
	return nil
}

// Place returns the writes that put a discarded batch on the shelf and take from it what has to make room, to be made
// in the commit of the checkpoint that passes the records. When that is done, Settle wants the id; when it has failed for
// good, Forget is to be called. The discarded batch's ID, Parts and Bytes are set here.
func (s *Shelf) Place(ctx context.Context, d *Discarded, records []Record, state []byte) ([]store.Write, error) {
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.last = after(s.last, d.At)
	d.ID = s.last
	s.mu.Unlock()
	writes, err := s.write(d, records, state)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := len(s.books)
	for at > 0 && s.books[at-1].id > d.ID { // another was placed meanwhile
		at--
	}
	s.books = slices.Insert(s.books, at, book{id: d.ID, parts: len(d.Parts), bytes: d.Bytes})
	s.bytes += d.Bytes
	return append(writes, s.makeRoom()...), nil
}

// write returns the writes for one discarded batch; without its records, if these are too large.
func (s *Shelf) write(d *Discarded, records []Record, state []byte) ([]store.Write, error) {
	parts, counts := partsOf(records, state)
	writes := make([]store.Write, 0, len(parts)+1)
	size := 0
	for i := range parts {
		w, err := s.parts.Write(s.partKey(d.ID, i), parts[i], 0)
		if err != nil {
			return nil, err
		}
		size += len(w.Key) + len(w.Value)
		if size > commitBytes || int64(size) > s.limits.Bytes || len(w.Value) > store.MaxValue {
			writes, counts, size = writes[:0], nil, 0
			break
		}
		writes = append(writes, w)
	}
	d.Parts, d.RecordsKept = counts, len(writes) > 0 || len(records) == 0
	const headBytes = 1 << 10 // about what a head takes beside its attempts
	d.Bytes = int64(size + headBytes + len(d.Attempts)*attemptBytes)
	head, err := s.heads.Write(s.headKey(d.ID), *d, 0)
	if err != nil {
		return nil, err
	}
	return append(writes, head), nil
}

// makeRoom takes the oldest from the shelf while there are too many, and returns the writes for that. What is not
// durable yet stays: its turn comes when it is settled. The caller holds the mutex.
func (s *Shelf) makeRoom() []store.Write {
	var writes []store.Write
	for len(s.books) > 1 && s.books[0].durable && (len(s.books) > s.limits.Batches || s.bytes > s.limits.Bytes) {
		b := s.books[0]
		s.books, s.bytes = s.books[1:], s.bytes-b.bytes
		writes = append(writes, s.heads.Remove(s.headKey(b.id), 0))
		for i := range b.parts {
			writes = append(writes, s.parts.Remove(s.partKey(b.id, i), 0))
		}
	}
	return writes
}

// Settle says that what was placed under the id is durable. It returns the writes that are due when others that were
// placed at the same time have made too many of it.
func (s *Shelf) Settle(id ID) []store.Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.books {
		if s.books[i].id == id {
			s.books[i].durable = true
		}
	}
	return s.makeRoom()
}

// Forget lets the shelf be read anew: what was placed may or may not be in the store.
func (s *Shelf) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded, s.books, s.bytes = false, nil, 0
}

// List returns what is on the shelf with lower ids than before (0 for all), the latest first and at most limit, and
// whether there is more.
func (s *Shelf) List(ctx context.Context, before ID, limit int) (found []Discarded, more bool, err error) {
	if err := s.load(ctx); err != nil {
		return nil, false, err
	}
	ids, more := s.ids(before, limit)
	for _, id := range ids {
		d, err := s.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) { // it has made room since
			continue
		}
		if err != nil {
			return nil, false, err
		}
		found = append(found, d)
	}
	return found, more, nil
}

func (s *Shelf) ids(before ID, limit int) (ids []ID, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.books) - 1; i >= 0; i-- {
		if b := &s.books[i]; !b.durable || before != 0 && b.id >= before {
			continue
		}
		if len(ids) == limit {
			return ids, true
		}
		ids = append(ids, s.books[i].id)
	}
	return ids, false
}

// Get returns one discarded batch, or store.ErrNotFound.
func (s *Shelf) Get(ctx context.Context, id ID) (Discarded, error) {
	d, _, err := s.heads.Get(ctx, s.headKey(id))
	if err != nil {
		return d, fmt.Errorf("discarded batch %s of mapping %s: %w", id, s.mapping, err)
	}
	return d, nil
}

// Records returns records of a discarded batch from the given one on, at most limit and no more parts than are needed,
// but one record if there is one; and the state of the window whose final invocation was given up, if it is that.
func (s *Shelf) Records(ctx context.Context, d *Discarded, from, limit int) (found []Record, state []byte, err error) {
	size, more := 0, false // more says that the last record found goes on in the next part
	for i, begun := range d.Parts {
		if !more && (len(found) >= limit || size >= pieceBytes) {
			break
		}
		if !more && from >= begun && d.Records > 0 { // the page begins later
			from -= begun
			continue
		}
		p, _, err := s.parts.Get(ctx, s.partKey(d.ID, i))
		if err != nil {
			return nil, nil, fmt.Errorf("records of discarded batch %s of mapping %s: %w", d.ID, s.mapping, err)
		}
		state = append(state, p.State...)
		for _, r := range p.Records {
			switch {
			case r.Continues && more:
				last := &found[len(found)-1]
				last.Data, more = append(last.Data, r.Data...), r.More
			case r.Continues: // a record before the page
			case from > 0:
				from--
			case len(found) < limit:
				found, more = append(found, r), r.More
			}
			size += len(r.Data)
		}
	}
	for i := range found {
		found[i].More = false
	}
	return found, state, nil
}

// maxRemoved bounds the deletions of one commit.
const maxRemoved = 1000

// Clear takes everything from the shelf, for good.
func (s *Shelf) Clear(ctx context.Context) error {
	s.Forget()
	if err := s.load(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	books := s.books
	s.mu.Unlock()
	var writes []store.Write
	for i, b := range books {
		writes = append(writes, s.heads.Remove(s.headKey(b.id), 0))
		for n := range b.parts {
			writes = append(writes, s.parts.Remove(s.partKey(b.id, n), 0))
		}
		if len(writes) < maxRemoved && i < len(books)-1 {
			continue
		}
		if err := s.tables.Commit(ctx, writes...); err != nil {
			return fmt.Errorf("remove discarded batches of mapping %s: %w", s.mapping, err)
		}
		writes = writes[:0]
	}
	s.Forget()
	return nil
}
