package disk

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// TestNewerFormat: a store that a newer program wrote is refused with a clear error.
func TestNewerFormat(t *testing.T) {
	o := Options{Dir: "/store", FS: vfs.NewMem()}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.Set(keyFormat, sealedNumbers(keyFormat, formatVersion+1), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := Open(o)
		if err == nil || !strings.Contains(err.Error(), "version 2, written by a newer program") {
			t.Errorf("opened a newer format: %v", err)
		}
	}
}

// TestRevisionsRunOver: when the count of commits runs over, the next opening still gives out new revisions.
func TestRevisionsRunOver(t *testing.T) {
	o := Options{Dir: "/store", FS: vfs.NewMem()}
	last := uint64(0)
	for range 3 {
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		s.revision |= 1<<revisionCountBits - 3
		for range 6 {
			if err := s.Commit(t.Context(), store.Write{Table: "t", Key: "k"}); err != nil {
				t.Fatal(err)
			}
			entry, err := s.Get(t.Context(), "t", "k")
			if err != nil {
				t.Fatal(err)
			}
			if entry.Revision <= last {
				t.Errorf("revision %x after %x", entry.Revision, last)
			}
			last = entry.Revision
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMisplacedValue: a value that comes back under another key is not taken for that key's.
func TestMisplacedValue(t *testing.T) {
	s, err := Open(Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	log := store.LogID{Stream: 1}
	for range 2 {
		if _, err := s.Append(t.Context(), log, []byte("data")); err != nil {
			t.Fatal(err)
		}
	}
	value, closer, err := s.db.Get(blockKey(log, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.Set(blockKey(log, 2), value, nil); err != nil {
		t.Fatal(err)
	}
	_ = closer.Close()
	n := 0
	for block, err := range s.ReadBlocks(t.Context(), log, 0) {
		if err == nil {
			n++
		} else if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "block 2") {
			t.Errorf("block %d: %v", block.Ordinal, err)
		}
	}
	if n != 1 {
		t.Errorf("%d blocks were read", n)
	}
}

// TestCompactionsOverDamage lets Pebble compact tables whose values are damaged. The process lives, and so does the rest.
func TestCompactionsOverDamage(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{Dir: "/store", FS: fs, MemtableBytes: 256 << 10, RetryInterval: 1}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	log := store.LogID{Stream: 1}
	for range 300 {
		if _, err := s.Append(t.Context(), log, make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	names, err := fs.List(s.dbDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if isValueFile(name) {
			name = fs.PathJoin(s.dbDir(), name)
			data, err := readFile(fs, name)
			if err != nil {
				t.Fatal(err)
			}
			at := len(data) / 2
			if damaged%2 == 1 {
				at = len(data) - 20 // in the footer
			}
			data[at] ^= 1
			if err := writeFile(fs, name, data); err != nil {
				t.Fatal(err)
			}
			damaged++
		}
	}
	if damaged == 0 {
		t.Fatal("no files of values")
	}
	if s, err = Open(o); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err = s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false)
	}
	t.Logf("%d damaged files, compaction: %v", damaged, err)
	found := error(nil)
	for _, err := range s.ReadBlocks(t.Context(), log, 0) {
		found = err
	}
	if !errors.Is(found, store.ErrCorrupt) {
		t.Errorf("read of damaged blocks: %v", found)
	}
	if _, err := s.Append(t.Context(), log, []byte("x")); err != nil {
		t.Errorf("append: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
