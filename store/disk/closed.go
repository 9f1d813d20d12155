package disk

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// The manifest says which files make up the database. It is a log of its own, and Pebble reads a damaged record in it
// as the end of one torn by a crash: all that comes after would be forgotten in silence, with the data it names. So a
// store that is closed leaves a note of what the manifest holds. One that crashed left none; what can be told then is
// told by scanAfterCrash.

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

// checkFiles refuses a database whose logs lost something, and takes the note away: it holds only until the first write.
func (s *Store) checkFiles() error {
	path := s.fs.PathJoin(s.dir, closedName)
	note, err := readNote(s.fs, path)
	if errors.Is(err, fs.ErrNotExist) {
		return s.scanAfterCrash()
	}
	if errors.Is(err, store.ErrCorrupt) {
		s.log.Warn("store: the note left at closing is damaged, going on without", "file", path, "err", err)
		return errors.Join(s.scanAfterCrash(), s.fs.Remove(path), syncDir(s.fs, s.dir))
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
