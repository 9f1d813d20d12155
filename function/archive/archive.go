package archive

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Limits of one archive.
const (
	// MaxUnzippedBytes bounds the files of an archive together.
	MaxUnzippedBytes = 262144000
	// MaxEntries bounds how many files, folders and links an archive holds.
	MaxEntries = 100_000
	// maxNameBytes bounds the path of an entry and the target of a link.
	maxNameBytes = 4096
)

var (
	// ErrUnreadable says that the bytes are not an archive that can be extracted here. The message says why.
	ErrUnreadable = errors.New("archive cannot be unzipped")
	// ErrEmpty says that the archive holds nothing.
	ErrEmpty = errors.New("archive is empty")
	// ErrTooLarge says that the files are longer than MaxUnzippedBytes together.
	ErrTooLarge = errors.New("archive is too large when unzipped")
)

// Archive is an archive whose directory has been judged.
type Archive struct {
	entries []entry
	size    int64
}

// entry is one file, folder or link of an archive.
type entry struct {
	file *zip.File
	name string // clean, relative, with slashes
	mode fs.FileMode
}

// Open reads the directory of an archive. data is not changed and must stay as it is while the archive is used. The
// error is ErrUnreadable, ErrEmpty or ErrTooLarge.
func Open(data []byte) (*Archive, error) {
	reader, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, unreadable("", err)
	}
	if len(reader.File) == 0 {
		return nil, ErrEmpty
	}
	if len(reader.File) > MaxEntries {
		return nil, unreadable("", fmt.Errorf("%d entries, more than %d", len(reader.File), MaxEntries))
	}
	a := &Archive{entries: make([]entry, 0, len(reader.File))}
	for _, f := range reader.File {
		e, err := newEntry(f)
		if err != nil {
			return nil, unreadable(f.Name, err)
		}
		if f.UncompressedSize64 > MaxUnzippedBytes {
			return nil, fmt.Errorf("%w: %q alone has %d bytes", ErrTooLarge, f.Name, f.UncompressedSize64)
		}
		a.size += int64(f.UncompressedSize64)
		if a.size > MaxUnzippedBytes {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxUnzippedBytes)
		}
		a.entries = append(a.entries, e)
	}
	return a, nil
}

// Size is the length of all files together, in bytes, as the archive declares it.
func (a *Archive) Size() int64 { return a.size }

func unreadable(name string, err error) error {
	if name == "" {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return fmt.Errorf("%w: entry %q: %w", ErrUnreadable, name, err)
}

// newEntry judges one line of the directory.
func newEntry(f *zip.File) (entry, error) {
	name, err := cleanName(f.Name)
	if err != nil {
		return entry{}, err
	}
	if f.Flags&1 != 0 {
		return entry{}, errors.New("it is encrypted")
	}
	if f.Method != zip.Store && f.Method != zip.Deflate {
		return entry{}, fmt.Errorf("compression method %d is not known", f.Method)
	}
	e := entry{file: f, name: name, mode: mode(f, name)}
	switch e.mode.Type() {
	case 0, fs.ModeDir, fs.ModeSymlink:
		return e, nil
	}
	return entry{}, fmt.Errorf("it is neither a file, a folder nor a link: %s", e.mode)
}

// cleanName returns a relative path that stays inside, or an error.
func cleanName(name string) (string, error) {
	switch {
	case name == "" || len(name) > maxNameBytes:
		return "", errors.New("its name is empty or too long")
	case strings.ContainsRune(name, 0):
		return "", errors.New("its name holds a zero byte")
	case strings.HasPrefix(name, "/"):
		return "", errors.New("its name is absolute")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New("its name leads out of the archive")
		}
	}
	return path.Clean(name), nil
}

// creatorUnix and creatorMacOS mark, in an entry's creator version, systems that record permissions.
const (
	creatorUnix  = 3
	creatorMacOS = 19
)

// mode returns the type and the permissions that an entry is extracted with.
func mode(f *zip.File, name string) fs.FileMode {
	creator := f.CreatorVersion >> 8
	if creator == creatorUnix || creator == creatorMacOS {
		m := f.Mode()
		if m&(fs.ModePerm|fs.ModeType) != 0 && f.ExternalAttrs>>16 != 0 {
			return accessible(m.Type() | m.Perm())
		}
	}
	switch {
	case strings.HasSuffix(f.Name, "/"):
		return fs.ModeDir | 0o755
	case name == "bootstrap":
		return 0o755
	}
	return 0o644
}

// accessible adds what the owner needs in order to read the code and, later, to remove it.
func accessible(m fs.FileMode) fs.FileMode {
	if m.IsDir() {
		return m | 0o700
	}
	return m | 0o400
}
