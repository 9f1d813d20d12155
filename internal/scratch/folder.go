package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	// makeTries bounds how often a folder is made again that another process took for an abandoned one.
	makeTries = 10
	// maxSwept bounds how many abandoned folders one call removes.
	maxSwept = 256
)

// Folder is a temporary folder, readable by its user alone.
type Folder struct {
	path string
	lock *os.File // the folder itself; nil where the system has no such locks
}

// Make makes a folder in parent, or in the system's folder for temporary files if that is empty, after it has removed those of the same
// kind that their processes left behind. The kind begins the folder's name. What cannot be removed stays; that is no error.
func Make(parent, kind string) (*Folder, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	sweep(parent, kind)
	for range makeTries {
		path, err := os.MkdirTemp(parent, kind)
		if err != nil {
			return nil, err
		}
		lock, mine, err := claim(path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), os.Remove(path))
		}
		// Another process may have come between, and have removed it, or be about to.
		if mine {
			return &Folder{path, lock}, nil
		}
	}
	return nil, fmt.Errorf("folders %s in %s are removed as soon as they are made", kind, parent)
}

// Path is where the folder is.
func (f *Folder) Path() string { return f.path }

// Remove removes the folder with all that is in it.
func (f *Folder) Remove() error {
	err := os.RemoveAll(f.path)
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
	}
	return err
}

// sweep removes the folders of a kind that nobody has locked.
func sweep(parent, kind string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	swept := 0
	for _, e := range entries {
		if !e.IsDir() || !ofKind(e.Name(), kind) || swept == maxSwept {
			continue
		}
		path := filepath.Join(parent, e.Name())
		lock, mine, err := claim(path)
		if err != nil || !mine {
			continue
		}
		if lock != nil {
			_ = os.RemoveAll(path) // what cannot be removed now may be the next time
			_ = lock.Close()
			swept++
		}
	}
}

// ofKind reports whether a name is one that Make gives: the kind and a number behind it.
func ofKind(name, kind string) bool {
	if len(name) <= len(kind) || name[:len(kind)] != kind {
		return false
	}
	for _, c := range name[len(kind):] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
