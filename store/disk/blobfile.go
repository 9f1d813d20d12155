package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// Pebble keeps larger values in files of their own, which it calls blob files. When it finds damage in one, the version
// in use panics while it reports that, and on a goroutine of its own when a compaction finds it; the process would end,
// and again after every start. So the guard checks what Pebble reads from these files and answers damage with an error
// that Pebble takes as a failed read. The checks are Pebble's own, of its own checksums.

const (
	blobFileExt = ".blob"
	footerLen   = 38 // of a blob file: a checksum, 26 bytes about the file, and a magic word
	trailerLen  = 5  // of a block: its kind and a checksum
)

// valueFile is a blob file opened for reading.
type valueFile struct {
	vfs.File
	name  string
	size  int64
	guard *guard
}

// openValueFile checks the file's end and returns the file with its further reads checked.
func (g *guard) openValueFile(name string, f vfs.File) (vfs.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	v := &valueFile{File: f, name: name, size: info.Size(), guard: g}
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

func isValueFile(name string) bool { return path.Ext(name) == blobFileExt }
