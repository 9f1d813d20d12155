package disk

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// TestRewriteOverDamage lets Pebble rewrite files of values that are damaged, on its own goroutines. Without the guard's
// checks the process would end here.
func TestRewriteOverDamage(t *testing.T) {
	fs := vfs.NewMem()
	rewrites := rewriteAll(t, fs, func(dir string) { damageValueFiles(t, fs, dir) })
	if err := rewrites[0]; !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("rewrite: %v", err)
	}
	if n := len(rewrites); n > 100 {
		t.Errorf("a rewrite that must fail was tried %d times", n)
	}
}

// TestRewriteOverFailingReads has all reads of values fail from when a rewrite has begun to write. Without what the guard
// holds of the file the process would end here too.
func TestRewriteOverFailingReads(t *testing.T) {
	fs := &shaky{FS: vfs.NewMem()}
	rewrites := rewriteAll(t, fs, func(string) {})
	if err := rewrites[0]; err != nil {
		t.Errorf("rewrite: %v", err)
	}
	if !fs.failing.Load() {
		t.Error("no rewrite was seen")
	}
}

// shaky is a file system on which no values can be read once a rewrite has begun to write.
type shaky struct {
	vfs.FS
	failing atomic.Bool
}

func (s *shaky) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if category == rewriteCategory {
		s.failing.Store(true)
	}
	return s.FS.Create(name, category)
}

func (s *shaky) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.Open(name, opts...)
	if err != nil || !isValueFile(name) {
		return f, err
	}
	return &shakyFile{f, s}, nil
}

type shakyFile struct {
	vfs.File
	fs *shaky
}

func (f *shakyFile) ReadAt(p []byte, offset int64) (int, error) {
	if f.fs.failing.Load() {
		return 0, syscall.EIO
	}
	return f.File.ReadAt(p, offset)
}

// rewriteAll writes values, closes the database, does something to its folder, and lets it rewrite what is left of the
// values after most were deleted. It returns how the rewrites ended, of which there was one at least.
func rewriteAll(t *testing.T, fs vfs.FS, between func(dir string)) []error {
	o := Options{Dir: "/db", FS: fs, RetryInterval: time.Millisecond}.withDefaults()
	rewrites := make(chan error, 1000)
	open := func(o Options) (*pebble.DB, *guard) {
		g := newGuard(o, func(bool) bool { return false }, func(err error) { t.Error(err) })
		g.opened.Store(true)
		options := pebbleOptions(o, g, &pebbleLog{log: o.Log, fail: func(err error) error { return err }})
		end := options.EventListener.BlobFileRewriteEnd
		options.EventListener.BlobFileRewriteEnd = func(info pebble.BlobFileRewriteInfo) {
			end(info)
			rewrites <- info.Err
		}
		db, err := pebble.Open(o.Dir, options)
		if err != nil {
			t.Fatal(err)
		}
		return db, g
	}

	db, _ := open(o)
	value := make([]byte, 10_000)
	for i := range uint32(300) {
		if err := db.Set(binary.BigEndian.AppendUint32(nil, i), value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
	between(o.Dir)
	db, g := open(o.Eager())
	for i := range uint32(300) {
		if i%3 != 0 {
			if err := db.Delete(binary.BigEndian.AppendUint32(nil, i), pebble.NoSync); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(db.Flush(), db.Compact(t.Context(), []byte{0}, []byte{0xff}, false)); err != nil {
		t.Fatal(err)
	}
	var ended []error
	select {
	case err := <-rewrites:
		ended = append(ended, err)
	case <-time.After(time.Minute):
		t.Fatal("no rewrite")
	}
	g.close()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	for len(rewrites) > 0 {
		ended = append(ended, <-rewrites)
	}
	return ended
}

// damageValueFiles changes bytes all over the files of values, but not their ends.
func damageValueFiles(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		if !isValueFile(name) {
			continue
		}
		name = fs.PathJoin(dir, name)
		data, err := readFile(fs, name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(data)-1000; at += 3000 {
			data[at] ^= 1
		}
		if err := writeFile(fs, name, data); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n == 0 {
		t.Fatal("no files of values")
	}
}
