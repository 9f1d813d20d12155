package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
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
// read. So the guard reads the whole file before a rewrite of it begins, and lets none begin that would fail. What it read
// it keeps until the rewrite ends, which then reads from memory, whatever becomes of the disk meanwhile.

const (
	blobFileExt = ".blob"
	footerLen   = 38 // of a blob file: a checksum, 26 bytes about the file, and a magic word
	trailerLen  = 5  // of a block: its kind and a checksum
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
func (v *valueFile) ReadAt(p []byte, offset int64) (int, error) {
	if whole := v.guard.rewrites.contents(v.number); whole != nil && offset <= int64(len(whole)) {
		if n := copy(p, whole[offset:]); n == len(p) {
			return n, nil
		}
		return 0, v.damaged(offset) // past the end
	}
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

// load reads the whole file, and checks all of it.
func (v *valueFile) load() (whole []byte, err error) {
	defer rescue(&err) // the index is sound, but the decoder is not made for strangers
	whole = make([]byte, v.size)
	footer := whole[v.size-footerLen:]
	if _, err := v.ReadAt(footer, v.size-footerLen); err != nil {
		return nil, err
	}
	// The index block: 4 bytes of its own, then columns, the second of which holds where the blocks begin and the last
	// one ends.
	start, length := binary.LittleEndian.Uint64(footer[4:]), binary.LittleEndian.Uint64(footer[12:])
	index := whole[start : start+length+trailerLen]
	if _, err := v.ReadAt(index, int64(start)); err != nil {
		return nil, err
	}
	decoder := colblk.DecodeBlock(index[:length], 4)
	offsets := colblk.DecodeColumn(&decoder, 1, decoder.Rows()+1, colblk.DataTypeUint, colblk.DecodeUnsafeUints)
	for i := range decoder.Rows() {
		from, to := offsets.At(i), offsets.At(i+1)
		if from >= to || to > start {
			return nil, v.damaged(int64(start))
		}
		if _, err := v.ReadAt(whole[from:to], int64(from)); err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// rewrites are the files that Pebble is about to rewrite, or rewrites.
type rewrites struct {
	mu     sync.Mutex
	inputs map[uint64][]byte // by number, what they hold; nil before they were read
}

// begin notes that a rewrite begins. Pebble creates its output next.
func (r *rewrites) begin(file uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inputs == nil {
		r.inputs = make(map[uint64][]byte)
	}
	r.inputs[file] = nil
}

func (r *rewrites) end(file uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inputs, file)
}

// unread returns the files that were not read yet.
func (r *rewrites) unread() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var files []uint64
	for file, whole := range r.inputs {
		if whole == nil {
			files = append(files, file)
		}
	}
	return files
}

func (r *rewrites) keep(file uint64, whole []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.inputs[file]; ok {
		r.inputs[file] = whole
	}
}

// contents returns what a file holds that is being rewritten, and nil for any other.
func (r *rewrites) contents(file uint64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inputs[file]
}

// loadRewrites reads the files that are about to be rewritten, which lie in the directory. They are no larger than the
// largest table, and Pebble rewrites no more of them at a time than it runs compactions.
func (g *guard) loadRewrites(dir string) error {
	for _, number := range g.rewrites.unread() {
		f, err := g.Open(g.PathJoin(dir, fmt.Sprintf("%06d%s", number, blobFileExt)), vfs.SequentialReadsOption)
		if err != nil {
			return err
		}
		var whole []byte
		if v, ok := f.(*valueFile); ok {
			whole, err = v.load()
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		g.rewrites.keep(number, whole)
	}
	return nil
}

// numberOf returns the number that Pebble gave to a file of values.
func numberOf(base string) (number uint64) {
	_, _ = fmt.Sscanf(base, "%d"+blobFileExt, &number) // 0, which is no file's, for a name of another form
	return number
}

func isValueFile(name string) bool { return path.Ext(name) == blobFileExt }
