package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Extract writes the archive into dir, an existing empty folder, and syncs nothing. After an error dir holds a part;
// the error is ErrUnreadable or ErrTooLarge when the archive is to blame, and what the file system said otherwise.
func (a *Archive) Extract(dir string) error { return a.extract(dir, false) }

// ExtractOver is Extract into a folder in which another archive was extracted before. What this one has takes the place of
// what that one had under the same name; folders are joined.
func (a *Archive) ExtractOver(dir string) error { return a.extract(dir, true) }

func (a *Archive) extract(dir string, over bool) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer root.Close()
	x := extraction{root: root, over: over, left: MaxUnzippedBytes, buf: make([]byte, 128<<10), links: make(map[string]bool)}
	for _, e := range a.entries {
		if err := x.write(e); err != nil {
			return err
		}
	}
	return x.finish()
}

// Verify reads every file to its end, so that its length and checksum are known to be right.
func (a *Archive) Verify() error {
	x := extraction{left: MaxUnzippedBytes, buf: make([]byte, 128<<10)}
	for _, e := range a.entries {
		if err := x.copy(io.Discard, e); err != nil {
			return err
		}
	}
	return nil
}

// extraction is one run of Extract.
type extraction struct {
	root    *os.Root
	over    bool  // there may be something already
	left    int64 // bytes that may still be written
	buf     []byte
	links   map[string]bool // names of the links made
	folders []entry         // folders whose permissions wait until their content is written
}

func (x *extraction) write(e entry) error {
	if e.name == "." {
		return nil
	}
	if err := x.makeParents(e); err != nil {
		return err
	}
	switch e.mode.Type() {
	case fs.ModeDir:
		x.folders = append(x.folders, e)
		return x.makeFolder(e, e.name)
	case fs.ModeSymlink:
		return x.makeLink(e)
	}
	return x.makeFile(e)
}

// makeParents makes the folders above an entry. None of them may be a link: what a link's name promises is only true
// where it stands.
func (x *extraction) makeParents(e entry) error {
	for i, c := range e.name {
		if c != '/' {
			continue
		}
		if err := x.makeFolder(e, e.name[:i]); err != nil {
			return err
		}
	}
	return nil
}

func (x *extraction) makeFolder(e entry, name string) error {
	if x.links[name] {
		return unreadable(e.file.Name, fmt.Errorf("%q is a link", name))
	}
	if err := x.makeWay(name, true); err != nil {
		return x.judge(e, err)
	}
	err := x.root.Mkdir(name, 0o755)
	if errors.Is(err, fs.ErrExist) {
		info, statErr := x.root.Lstat(name)
		if statErr == nil && info.IsDir() {
			return nil
		}
		return unreadable(e.file.Name, fmt.Errorf("%q is not a folder", name))
	}
	return x.judge(e, err)
}

// makeWay removes what another archive has left where an entry is to be, unless both are folders.
func (x *extraction) makeWay(name string, folder bool) error {
	if !x.over {
		return nil
	}
	info, err := x.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && folder && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return x.root.RemoveAll(name)
}

func (x *extraction) makeFile(e entry) error {
	if x.links[e.name] {
		return unreadable(e.file.Name, errors.New("it is a link as well"))
	}
	if err := x.makeWay(e.name, false); err != nil {
		return x.judge(e, err)
	}
	f, err := x.root.OpenFile(e.name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return x.judge(e, err)
	}
	err = x.copy(f, e)
	if chmodErr := f.Chmod(forAll(e.mode)); err == nil {
		err = chmodErr
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// copy writes the content of an entry, no more than the limit and exactly as much as was declared.
func (x *extraction) copy(w io.Writer, e entry) error {
	r, err := e.file.Open()
	if err != nil {
		return unreadable(e.file.Name, err)
	}
	defer r.Close()
	n, err := io.CopyBuffer(onlyWriter{w}, io.LimitReader(r, x.left+1), x.buf)
	if n > x.left {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxUnzippedBytes)
	}
	x.left -= n
	var path *fs.PathError
	switch {
	case errors.As(err, &path):
		return err // the disk, not the archive
	case err != nil:
		return unreadable(e.file.Name, err)
	case uint64(n) != e.file.UncompressedSize64:
		return unreadable(e.file.Name, fmt.Errorf("it has %d bytes and declares %d", n, e.file.UncompressedSize64))
	}
	return nil
}

// onlyWriter hides other methods, so that the buffer is used.
type onlyWriter struct{ io.Writer }

func (x *extraction) makeLink(e entry) error {
	if e.file.UncompressedSize64 > maxNameBytes {
		return unreadable(e.file.Name, errors.New("its target is too long"))
	}
	var target strings.Builder
	if err := x.copy(&target, e); err != nil {
		return err
	}
	if err := judgeTarget(e.name, target.String()); err != nil {
		return unreadable(e.file.Name, err)
	}
	if err := x.makeWay(e.name, false); err != nil {
		return x.judge(e, err)
	}
	if err := x.root.Symlink(target.String(), e.name); err != nil {
		return x.judge(e, err)
	}
	x.links[e.name] = true
	return nil
}

// judgeTarget accepts a target that goes up no further than the link is deep and then only down. The link itself stands
// in a real folder, so it cannot lead out, and neither can links that its target goes through, which were judged alike.
func judgeTarget(name, target string) error {
	if target == "" || strings.HasPrefix(target, "/") || strings.ContainsRune(target, 0) {
		return fmt.Errorf("it leads to %q", target)
	}
	depth := strings.Count(name, "/")
	down := false
	for part := range strings.SplitSeq(target, "/") {
		switch {
		case part == "" || part == ".":
		case part != "..":
			down = true
		case down || depth == 0:
			return fmt.Errorf("it leads out, to %q", path.Join(path.Dir(name), target))
		default:
			depth--
		}
	}
	return nil
}

// forAll lets everybody read and run what its owner may: functions may run as another user than the server, and archives are
// often made by programs that give files to their owner alone.
func forAll(mode fs.FileMode) fs.FileMode {
	owner := mode.Perm() & 0o500
	return mode.Perm() | owner>>3 | owner>>6
}

// finish sets the permissions of the folders, the innermost first.
func (x *extraction) finish() error {
	for i := len(x.folders) - 1; i >= 0; i-- {
		e := x.folders[i]
		if err := x.judge(e, x.root.Chmod(e.name, forAll(e.mode))); err != nil {
			return err
		}
	}
	return nil
}

// judge says whose fault an error of the file system is. Names that clash or are too long are the archive's.
func (x *extraction) judge(e entry, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist), isNameError(err):
		return unreadable(e.file.Name, err)
	}
	return fmt.Errorf("extract %q: %w", e.file.Name, err)
}
