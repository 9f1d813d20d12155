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
		if _, err := s.Append(t.Context(), log, store.Data("data")); err != nil {
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
