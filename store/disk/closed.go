package disk

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"github.com/millrace/millrace/store"
)

// The manifest says which files make up the database. It is a log of its own, and Pebble reads a damaged record in it
// as the end of one torn by a crash: all that comes after would be forgotten in silence, with the data it names. Two
// checks of ours close that hole before Pebble looks.
//
// A store that was closed left a note of what the manifest held then. One that crashed left none; then a record that
// follows a damaged one tells damage from a torn end, since each record is synced before the next is begun.

// closedName is the note's file, beside the database.
const closedName = "closed"

const closedVersion = 1

// closedNote is what a closing store notes of the files that Pebble does not check well enough.
type closedNote struct {
	Version int               `json:"version"`
	CRC32C  map[string]uint32 `json:"crc32c"` // by file name
}

// markClosed leaves the note. The database is closed by then.
func (s *Store) markClosed() error {
	names, err := s.fs.List(s.dbDir())
	if err != nil {
		return err
	}
	note := closedNote{Version: closedVersion, CRC32C: make(map[string]uint32)}
	for _, name := range names {
		if strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "OPTIONS-") {
			if note.CRC32C[name], err = fileSum(s.fs, s.fs.PathJoin(s.dbDir(), name)); err != nil {
				return err
			}
		}
	}
	data, err := json.Marshal(note)
	if err != nil {
		return err
	}
	path := s.fs.PathJoin(s.dir, closedName)
	if err := writeFile(s.fs, path+".tmp", sealed([]byte(closedName), data)); err != nil {
		if isFull(err) {
			return s.fs.Remove(path + ".tmp") // no room for a note, as after a crash
		}
		return err
	}
	return errors.Join(s.fs.Rename(path+".tmp", path), syncDir(s.fs, s.dir))
}

// checkManifest refuses a database whose manifest lost something, and takes the note away: it holds only until the
// first write.
func (s *Store) checkManifest() error {
	path := s.fs.PathJoin(s.dir, closedName)
	note, err := readNote(s.fs, path)
	if errors.Is(err, fs.ErrNotExist) {
		return s.scanManifest()
	}
	if errors.Is(err, store.ErrCorrupt) {
		s.log.Warn("store: the note left at closing is damaged, going on without", "file", path, "err", err)
		return errors.Join(s.scanManifest(), s.fs.Remove(path), syncDir(s.fs, s.dir))
	}
	if err != nil {
		return err
	}
	for name, want := range note.CRC32C {
		file := s.fs.PathJoin(s.dbDir(), name)
		got, err := fileSum(s.fs, file)
		if err != nil {
			return fmt.Errorf("%s, which was there when the store was closed: %w: %w", file, store.ErrCorrupt, err)
		}
		if got != want {
			return fmt.Errorf("%s: %w: it changed after the store was closed", file, store.ErrCorrupt)
		}
	}
	return errors.Join(s.fs.Remove(path), syncDir(s.fs, s.dir))
}

func readNote(files vfs.FS, path string) (closedNote, error) {
	data, err := readFile(files, path)
	if err != nil {
		return closedNote{}, err
	}
	body, err := unseal([]byte(closedName), data)
	if err != nil {
		return closedNote{}, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	var note closedNote
	if err := json.Unmarshal(body, &note); err != nil || note.Version != closedVersion {
		return closedNote{}, fmt.Errorf("%w: version %d: %w", store.ErrCorrupt, note.Version, err)
	}
	return note, nil
}

// scanManifest looks for a record that follows a damaged one in the manifest in use.
func (s *Store) scanManifest() error {
	name, err := atomicfs.ReadMarker(s.fs, s.dbDir(), "manifest")
	if err != nil || name == "" {
		return err // a new store has none
	}
	path := s.fs.PathJoin(s.dbDir(), name)
	f, err := s.fs.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, store.ErrCorrupt, err)
	}
	defer func() { _ = f.Close() }()
	at, err := followedDamage(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if at >= 0 {
		return fmt.Errorf("%s: %w at byte %d", path, store.ErrCorrupt, at)
	}
	return nil
}

// Pebble's log format: blocks of 32 KiB, in them chunks of a checksum, a length, a kind and the bytes.
const (
	logBlockLen   = 32 << 10
	chunkHeadLen  = 4 + 2 + 1
	chunkFull     = 1 // a whole record
	chunkFirst    = 2 // the first part of one
	chunkKindLast = 4
)

// followedDamage returns where the first damaged chunk begins if a record begins after it, and -1 otherwise.
func followedDamage(r io.Reader) (int64, error) {
	damage := int64(-1)
	block := make([]byte, logBlockLen)
	for start := int64(0); ; start += logBlockLen {
		n, err := io.ReadFull(r, block)
		for at := 0; at+chunkHeadLen <= n; {
			size, kind := chunkAt(block[at:n])
			switch {
			case damage < 0 && size == 0:
				damage = start + int64(at)
				at++
			case damage < 0:
				at += size
			case size > 0 && (kind == chunkFull || kind == chunkFirst):
				return damage, nil
			default:
				at++ // where the next chunk begins is lost with the damaged one
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return -1, nil
		}
		if err != nil {
			return -1, err
		}
	}
}

// chunkAt returns the length and kind of the sound chunk at the beginning of b; 0 when there is none.
func chunkAt(b []byte) (size int, kind byte) {
	size, kind = chunkHeadLen+int(binary.LittleEndian.Uint16(b[4:6])), b[6]
	if kind < chunkFull || kind > chunkKindLast || size > len(b) {
		return 0, 0
	}
	sum := crc32.Checksum(b[6:size], castagnoli)
	if binary.LittleEndian.Uint32(b) != (sum>>15|sum<<17)+0xa282ead8 {
		return 0, 0
	}
	return size, kind
}

func fileSum(files vfs.FS, path string) (uint32, error) {
	f, err := files.Open(path)
	if err != nil {
		return 0, err
	}
	sum := crc32.New(castagnoli)
	_, err = io.Copy(sum, f)
	return sum.Sum32(), errors.Join(err, f.Close())
}

func readFile(files vfs.FS, path string) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

func writeFile(files vfs.FS, path string, data []byte) error {
	f, err := files.Create(path, writeKind)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
