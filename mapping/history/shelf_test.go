package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
)

func put(t *testing.T, tables store.Tables, s *Shelf, at time.Time, records ...Record) Discarded {
	t.Helper()
	d := Discarded{At: at, Records: len(records), Attempts: []Attempt{{RequestID: "r"}}}
	writes, err := s.Place(t.Context(), &d, records, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Commit(t.Context(), writes...); err != nil {
		t.Fatal(err)
	}
	if more := s.Settle(d.ID); len(more) > 0 {
		t.Errorf("%d writes are left over", len(more))
	}
	return d
}

func record(n, size int) Record {
	return Record{PartitionKey: strconv.Itoa(n), Arrival: start, Data: bytes.Repeat([]byte{byte(n)}, size), Attempts: 2}
}

// Records come back as they were, whatever their sizes and the pages they are read in.
func TestShelfRecords(t *testing.T) {
	tables := disktest.Memory(t)
	s := NewShelf(tables, "m", Limits{Batches: 10, Bytes: 64 << 20})
	for name, sizes := range map[string][]int{
		"small": {1, 0, 3},
		"parts": {700 << 10, 700 << 10, 10, 900 << 10, 20},
		"large": {5 << 20},
		"mixed": {5, pieceBytes + 1, 7, 6},
	} {
		var records []Record
		for i, size := range sizes {
			records = append(records, record(i, size))
		}
		d := put(t, tables, s, start, records...)
		for _, limit := range []int{1, 100} {
			from := 0
			for from < len(records) {
				got, _, err := s.Records(t.Context(), &d, from, limit)
				if err != nil || len(got) == 0 || len(got) > limit {
					t.Fatalf("%s: %d records from %d: %v", name, len(got), from, err)
				}
				for i, r := range got {
					if want := records[from+i]; r.PartitionKey != want.PartitionKey || !bytes.Equal(r.Data, want.Data) || r.More || r.Continues {
						t.Errorf("%s: record %d has %d bytes and key %s", name, from+i, len(r.Data), r.PartitionKey)
					}
				}
				from += len(got)
			}
			if got, _, err := s.Records(t.Context(), &d, from, limit); err != nil || len(got) > 0 {
				t.Errorf("%s: %d records after the last: %v", name, len(got), err)
			}
		}
	}
}

// The oldest make room by number and by bytes, also for a shelf that is read anew.
func TestShelfIsBounded(t *testing.T) {
	tables := disktest.Memory(t)
	for _, c := range []struct {
		limits Limits
		want   int
	}{
		{Limits{Batches: 3, Bytes: 1 << 30}, 3},
		{Limits{Batches: 1000, Bytes: 100 << 10}, 6},
	} {
		name := fmt.Sprintf("%+v", c.limits)
		var ids []ID
		for i := range 10 {
			s := NewShelf(tables, name, c.limits) // as after a restart
			for range 2 {
				ids = append(ids, put(t, tables, s, start.Add(time.Duration(i)*time.Second), record(i, 10_000)).ID)
			}
		}
		found, more, err := NewShelf(tables, name, c.limits).List(t.Context(), 0, 100)
		if err != nil || more || len(found) != c.want || found[0].ID != ids[19] || found[c.want-1].ID != ids[20-c.want] {
			t.Errorf("%s: %d are kept (%v, %v)", name, len(found), more, err)
		}
		if n := count(t, tables, partsTable, name); n != c.want {
			t.Errorf("%s: the records of %d are kept", name, n)
		}
		other := NewShelf(tables, "other", c.limits)
		put(t, tables, other, start, record(1, 1))
		if err := NewShelf(tables, name, c.limits).Clear(t.Context()); err != nil {
			t.Error(err)
		}
		if n := count(t, tables, partsTable, name) + count(t, tables, discardedTable, name); n > 0 {
			t.Errorf("%s: %d entries are left", name, n)
		}
		if count(t, tables, partsTable, "other") == 0 {
			t.Error("what belongs to another mapping is gone too")
		}
	}
}

func count(t *testing.T, tables store.Tables, table, mapping string) int {
	t.Helper()
	n, prefix := 0, store.Key(mapping, "")
	for _, err := range tables.Scan(context.Background(), table, prefix, store.PrefixEnd(prefix)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// Records that are more than a shelf may hold at all are told of and not kept.
func TestShelfTooSmall(t *testing.T) {
	tables := disktest.Memory(t)
	s := NewShelf(tables, "m", Limits{Batches: 10, Bytes: 1 << 20})
	d := put(t, tables, s, start, record(1, 2<<20))
	got, err := s.Get(t.Context(), d.ID)
	if err != nil || got.RecordsKept || got.Records != 1 || len(got.Parts) > 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := s.Get(t.Context(), 1); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// What two lanes place at the same time does not make room for each other before it is durable, and afterwards does.
func TestShelfAtTheSameTime(t *testing.T) {
	tables := disktest.Memory(t)
	s := NewShelf(tables, "m", Limits{Batches: 1, Bytes: 1 << 30})
	a, b := Discarded{At: start, Records: 1}, Discarded{At: start, Records: 1}
	placeA, err := s.Place(t.Context(), &a, []Record{record(1, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	placeB, err := s.Place(t.Context(), &b, []Record{record(2, 1)}, nil)
	if err != nil || a.ID == b.ID {
		t.Fatal(a.ID, b.ID, err)
	}
	for _, writes := range [][]store.Write{placeB, s.Settle(b.ID), placeA, s.Settle(a.ID)} {
		if err := tables.Commit(t.Context(), writes...); err != nil {
			t.Fatal(err)
		}
	}
	found, _, err := s.List(t.Context(), 0, 10)
	if err != nil || len(found) != 1 || found[0].ID != b.ID || count(t, tables, partsTable, "m") != 1 {
		t.Errorf("%+v %v", found, err)
	}
}
