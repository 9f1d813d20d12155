package dev

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of a package, which are AWS's for one that is sent with the request.
const (
	maxZipBytes   = 50 << 20
	maxCodeBytes  = 250 << 20
	maxCodeFiles  = 50_000
	largestToName = 3
)

// notCode are names of files and folders that belong to no package.
var notCode = []string{
	".git", ".hg", ".svn", ".millrace", ".venv", ".DS_Store", ".idea", ".vscode", ".mypy_cache", ".pytest_cache", ".ruff_cache",
	"__pycache__", settingsName,
}

// isCode reports whether a file or folder of this name belongs to a package.
func isCode(name string) bool {
	return !slices.Contains(notCode, name) && !strings.HasSuffix(name, ".pyc") && !strings.HasSuffix(name, "~") && !strings.HasSuffix(name, ".swp")
}

// extra is a file of a package that is not in the folder.
type extra struct {
	name string
	text []byte
}

// pack makes a folder's package, with the extra files in it. The same files make the same bytes, whenever and wherever.
func pack(dir string, extras ...extra) ([]byte, error) {
	files, err := listCode(dir)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, e := range extras {
		if err := addFile(z, e.name, 0o755, bytes.NewReader(e.text)); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		if slices.ContainsFunc(extras, func(e extra) bool { return e.name == f.name }) {
			continue
		}
		if err := f.addTo(z, dir); err != nil {
			return nil, err
		}
		if out.Len() > maxZipBytes {
			return nil, tooLarge("the package has more than %d MiB when it is packed", maxZipBytes>>20, files)
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if out.Len() > maxZipBytes {
		return nil, tooLarge("the package has more than %d MiB when it is packed", maxZipBytes>>20, files)
	}
	return out.Bytes(), nil
}

// codeFile is a file or a link of a package.
type codeFile struct {
	name string // with slashes, below the folder
	mode fs.FileMode
	size int64
}

// listCode lists what belongs to a folder's package, in the order of the names.
func listCode(dir string) (files []codeFile, err error) {
	var total int64
	err = walkCode(dir, func(name string, info fs.FileInfo) error {
		switch info.Mode().Type() {
		case 0, fs.ModeSymlink:
		default:
			return fmt.Errorf("%s is neither a file nor a folder", name)
		}
		files = append(files, codeFile{name: name, mode: info.Mode(), size: info.Size()})
		total += info.Size()
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(files) == 0:
		return nil, errors.New("it holds no files")
	case len(files) > maxCodeFiles:
		return nil, tooLarge("the package has more than %d files", maxCodeFiles, files)
	case total > maxCodeBytes:
		return nil, tooLarge("the files have more than %d MiB together", maxCodeBytes>>20, files)
	}
	slices.SortFunc(files, func(a, b codeFile) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// walkCode calls visit for every file and link of a folder that belongs to its package.
func walkCode(dir string, visit func(name string, info fs.FileInfo) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && path != dir {
				return nil // it went while we looked
			}
			return err
		}
		if path == dir {
			return nil
		}
		if !isCode(d.Name()) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(name), info)
	})
}

func (f codeFile) addTo(z *zip.Writer, dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(f.name))
	if f.mode.Type() == fs.ModeSymlink {
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if !staysInside(f.name, target) {
			return fmt.Errorf("%s is a link to %s, outside of the folder: a package cannot hold that; copy it", f.name, target)
		}
		return addFile(z, f.name, fs.ModeSymlink|0o777, strings.NewReader(target))
	}
	mode := fs.FileMode(0o644)
	if f.mode&0o111 != 0 {
		mode = 0o755
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return addFile(z, f.name, mode, io.LimitReader(file, maxCodeBytes+1))
}

// staysInside reports whether a link leads to what is in its package too.
func staysInside(name, target string) bool {
	return !filepath.IsAbs(target) && filepath.IsLocal(filepath.Join(filepath.Dir(filepath.FromSlash(name)), target))
}

// addFile adds a file without the time at which it was written.
func addFile(z *zip.Writer, name string, mode fs.FileMode, content io.Reader) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(mode)
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return err
}

// tooLarge says what a package has too much of, and where most of it is.
func tooLarge(format string, limit int, files []codeFile) error {
	sizes := make(map[string]int64)
	for _, f := range files {
		top, _, _ := strings.Cut(f.name, "/")
		sizes[top] += f.size
	}
	var names []string
	for name := range sizes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(sizes[b], sizes[a]), strings.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%.1f MiB)", name, float64(sizes[name])/(1<<20))
	}
	return fmt.Errorf(format+"; the largest parts are %s", limit, strings.Join(names[:min(len(names), largestToName)], ", "))
}
