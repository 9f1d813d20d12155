package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2/sstable/colblk"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// Pebble keeps larger values in files of their own, which it calls blob files. When it finds damage in one, the version
// in use panics while it reports that, and on a goroutine of its own when a compaction finds it; the process would end,
// and again after every start. So the guard checks what Pebble reads from these files and answers damage with an error
// that Pebble takes as a failed read. The checks are Pebble's own, of its own checksums.
//
// A rewrite (the compaction that copies what is left of a file of which much was deleted) does not even survive a failed
// read. So the guard reads the whole file before a rewrite of it begins, and lets none begin that would fail. A read that
// fails all the same, of what was read a moment ago, is tried again.

const (
	blobFileExt = ".blob"
	footerLen   = 38 // of a blob file: a checksum, 26 bytes about the file, and a magic word
	trailerLen  = 5  // of a block: its kind and a checksum

	// rereads is how often what a rewrite needs is read again.
	rereads = 20
)

// valueFile is a blob file opened for reading.
type valueFile struct {
	vfs.File
	name   string
	number uint64 // Pebble's
	size   int64
	guard  *guard
}

// openValueFile checks the file's end and returns the file with its further reads checked.
func (g *guard) openValueFile(name string, f vfs.File) (vfs.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	v := &valueFile{File: f, name: name, number: numberOf(g.PathBase(name)), size: info.Size(), guard: g}
	if v.size < footerLen {
		return nil, errors.Join(v.damaged(0), f.Close())
	}
	if _, err := v.ReadAt(make([]byte, footerLen), v.size-footerLen); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return v, nil
}

// ReadAt implements vfs.File. Pebble reads a whole block or the footer at a time.
func (v *valueFile) ReadAt(p []byte, offset int64) (n int, err error) {
	err = v.guard.insist(v.number, func() error {
		n, err = v.readAt(p, offset)
		return err
	})
	return n, err
}

func (v *valueFile) readAt(p []byte, offset int64) (int, error) {
	n, err := v.File.ReadAt(p, offset)
	if err != nil && (err != io.EOF || n < len(p)) {
		if err == io.EOF {
			err = v.damaged(offset)
		}
		return n, err
	}
	whole := false
	if offset == v.size-footerLen && len(p) == footerLen {
		whole = binary.LittleEndian.Uint32(p) == maskedSum(p[4:])
	} else if body := len(p) - trailerLen; body >= 0 {
		whole = binary.LittleEndian.Uint32(p[body+1:]) == maskedSum(p[:body+1])
	}
	if !whole {
		return 0, v.damaged(offset)
	}
	return n, nil
}

func (v *valueFile) damaged(offset int64) error {
	v.guard.damage.Store(true)
	return fmt.Errorf("%w: %s at byte %d", store.ErrCorrupt, v.name, offset)
}

// verify reads the whole file.
func (v *valueFile) verify() (err error) {
	defer rescue(&err) // the index is sound, but the decoder is not made for strangers
	footer := make([]byte, footerLen)
	if _, err := v.ReadAt(footer, v.size-footerLen); err != nil {
		return err
	}
	// The index block: 4 bytes of its own, then columns, the second of which holds where the blocks begin and the last
	// one ends.
	start, length := binary.LittleEndian.Uint64(footer[4:]), binary.LittleEndian.Uint64(footer[12:])
	index := make([]byte, length+trailerLen)
	if _, err := v.ReadAt(index, int64(start)); err != nil {
		return err
	}
	decoder := colblk.DecodeBlock(index[:length], 4)
	offsets := colblk.DecodeColumn(&decoder, 1, decoder.Rows()+1, colblk.DataTypeUint, colblk.DecodeUnsafeUints)
	var block []byte
	for i := range decoder.Rows() {
		from, to := offsets.At(i), offsets.At(i+1)
		if from >= to || to > start {
			return v.damaged(int64(start))
		}
		block = slices.Grow(block[:0], int(to-from))[:to-from]
		if _, err := v.ReadAt(block, int64(from)); err != nil {
			return err
		}
	}
	return nil
}

// rewrites are the files that Pebble is about to rewrite.
type rewrites struct {
	mu     sync.Mutex
	inputs map[uint64]bool // by number, whether the file was found sound
}

// begin notes that a rewrite begins. Pebble creates its output next.
func (r *rewrites) begin(file uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inputs == nil {
		r.inputs = make(map[uint64]bool)
	}
	r.inputs[file] = false
}

func (r *rewrites) end(file uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inputs, file)
}

// unverified returns the files that were not found sound yet.
func (r *rewrites) unverified() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var files []uint64
	for file, sound := range r.inputs {
		if !sound {
			files = append(files, file)
		}
	}
	return files
}

func (r *rewrites) verified(file uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.inputs[file]; ok {
		r.inputs[file] = true
	}
}

func (r *rewrites) isVerified(file uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inputs[file]
}

// verifyRewrites reads the files that are about to be rewritten, which lie in the directory.
func (g *guard) verifyRewrites(dir string) error {
	for _, number := range g.rewrites.unverified() {
		f, err := g.Open(g.PathJoin(dir, fmt.Sprintf("%06d%s", number, blobFileExt)), vfs.SequentialReadsOption)
		if err != nil {
			return err
		}
		if v, ok := f.(*valueFile); ok {
			err = v.verify()
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		g.rewrites.verified(number)
	}
	return nil
}

// insist reads, again and again when the read fails and the file is one that a rewrite under way was promised.
func (g *guard) insist(file uint64, read func() error) error {
	err := read()
	for n := 0; n < rereads && err != nil && g.rewrites.isVerified(file); n++ {
		g.pause(g.retry)
		err = read()
	}
	return err
}

// numberOf returns the number that Pebble gave to a file of values.
func numberOf(base string) (number uint64) {
	_, _ = fmt.Sscanf(base, "%d"+blobFileExt, &number) // 0, which is no file's, for a name of another form
	return number
}

func isValueFile(name string) bool { return path.Ext(name) == blobFileExt }
