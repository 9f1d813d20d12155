package authority

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// fileName is that of the key and the certificate in the folder.
const fileName = "authority.pem"

// Open returns the authority that is kept in the folder, which it makes, with the folder, when there is none.
func Open(folder string, now time.Time) (*Authority, error) {
	path := filepath.Join(folder, fileName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path, now); err != nil {
			return nil, fmt.Errorf("make a certificate authority: %w", err)
		}
		text, err = os.ReadFile(path) // which another program may have been first to make
	}
	if err != nil {
		return nil, fmt.Errorf("read the certificate authority: %w", err)
	}
	a, err := parse(text, now)
	if err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w; move it away to have another made, which clients must then be told of", path, err)
	}
	return a, nil
}

// create makes the file, whole or not at all, unless it has come into being meanwhile.
func create(path string, now time.Time) error {
	a, err := New(now)
	if err != nil {
		return err
	}
	text, err := a.secret()
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(folder, "."+fileName+"-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(text)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, does not replace what another program has put there.
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(syncFolder(folder), syncFolder(filepath.Dir(folder)))
}

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
