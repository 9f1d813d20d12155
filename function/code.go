package function

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/millrace/millrace/function/archive"
	"github.com/millrace/millrace/store"
)

// MaxZippedBytes bounds an uploaded archive.
const MaxZippedBytes = 52428800

// codeTable lists the blobs that the room has put or is about to put, so that one whose function was never written, or
// is gone, can be found and removed after a crash. The keys are hashes in hex.
const codeTable = "function-code"

// codeShelf keeps the code of functions: archives in the store, extracted folders on disk. Both live as long as somebody
// uses them. The folders are a cache of one run of the server: what a power failure may have left half written is never
// used again.
type codeShelf struct {
	store Store
	log   *slog.Logger
	root  string // holds one folder for every run
	run   string // this run's folder; it holds a folder for every archive

	busy locks[store.BlobID] // held while the blob or the folder of an archive is made or removed

	mu    sync.Mutex
	users map[store.BlobID]int
}

// openCodeShelf makes the folder of this run.
func openCodeShelf(s Store, root string, log *slog.Logger) (*codeShelf, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("make code folder: %w", err)
	}
	// Functions are handed absolute paths, since they run in another folder.
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find code folder: %w", err)
	}
	run, err := os.MkdirTemp(root, "run-")
	if err != nil {
		return nil, fmt.Errorf("make code folder: %w", err)
	}
	return &codeShelf{store: s, log: log, root: root, run: run, users: make(map[store.BlobID]int)}, nil
}

// tidy removes what earlier runs left and nobody uses.
func (c *codeShelf) tidy(ctx context.Context) error {
	var errs []error
	folders, err := os.ReadDir(c.root)
	errs = append(errs, err)
	for _, f := range folders {
		if path := filepath.Join(c.root, f.Name()); path != c.run && ctx.Err() == nil {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	for entry, err := range c.store.Scan(ctx, codeTable, "", "") {
		if err != nil {
			errs = append(errs, err)
			break
		}
		var id store.BlobID
		if n, err := hex.Decode(id[:], []byte(entry.Key)); err != nil || n != len(id) {
			errs = append(errs, fmt.Errorf("table %s has the key %q", codeTable, entry.Key))
			continue
		}
		errs = append(errs, c.removeUnused(ctx, id))
	}
	return errors.Join(errs...)
}

// close removes the folders of this run. Nobody may use them any more.
func (c *codeShelf) close() error { return os.RemoveAll(c.run) }

// put stores an archive and extracts it. The caller is its user afterwards, and releases it. The error is ErrNoCode,
// ErrCodeTooLarge, one of package archive, or a failure of the disk.
func (c *codeShelf) put(ctx context.Context, zip []byte) (store.BlobID, error) {
	a, err := openArchive(zip)
	if err != nil {
		return store.BlobID{}, err
	}
	id := store.BlobID(sha256.Sum256(zip))
	c.hold(id)
	if err := c.putHeld(ctx, id, a, zip); err != nil {
		c.release(context.WithoutCancel(ctx), id)
		return store.BlobID{}, err
	}
	return id, nil
}

// openArchive judges the length and the directory of an archive.
func openArchive(zip []byte) (*archive.Archive, error) {
	switch {
	case len(zip) == 0:
		return nil, ErrNoCode
	case len(zip) > MaxZippedBytes:
		return nil, ErrCodeTooLarge
	}
	return archive.Open(zip)
}

func (c *codeShelf) putHeld(ctx context.Context, id store.BlobID, a *archive.Archive, zip []byte) error {
	unlock, err := c.busy.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.extract(id, a); err != nil {
		return err
	}
	if err := c.store.Commit(ctx, store.Write{Table: codeTable, Key: hex.EncodeToString(id[:])}); err != nil {
		return fmt.Errorf("note code %x: %w", id, err)
	}
	if _, _, err := c.store.PutBlob(ctx, bytes.NewReader(zip), MaxZippedBytes); err != nil {
		return fmt.Errorf("store code %x: %w", id, err)
	}
	return nil
}

// hold makes the caller a user of code that has one already, or is about to be put.
func (c *codeShelf) hold(id store.BlobID) {
	c.mu.Lock()
	c.users[id]++
	c.mu.Unlock()
}

// release gives one use up, and removes the code when it was the last. What cannot be removed now is removed at the
// next start.
func (c *codeShelf) release(ctx context.Context, id store.BlobID) {
	c.mu.Lock()
	c.users[id]--
	unused := c.users[id] <= 0
	if unused {
		delete(c.users, id)
	}
	c.mu.Unlock()
	if !unused {
		return
	}
	if err := c.removeUnused(ctx, id); err != nil {
		c.log.Warn("code cannot be removed", "sha256", hex.EncodeToString(id[:]), "err", err)
	}
}

// removeUnused removes code unless somebody uses it.
func (c *codeShelf) removeUnused(ctx context.Context, id store.BlobID) error {
	unlock, err := c.busy.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	c.mu.Lock()
	used := c.users[id] > 0
	c.mu.Unlock()
	if used {
		return nil
	}
	err = c.store.DeleteBlob(ctx, id)
	if err == nil {
		err = c.store.Commit(ctx, store.Write{Table: codeTable, Key: hex.EncodeToString(id[:]), Delete: true})
	}
	return errors.Join(err, os.RemoveAll(c.path(id)))
}

// folder returns the folder of extracted code, which it makes from the archive when it is not there.
func (c *codeShelf) folder(ctx context.Context, id store.BlobID) (string, error) {
	unlock, err := c.busy.lock(ctx, id)
	if err != nil {
		return "", err
	}
	defer unlock()
	path := c.path(id)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	zip, err := c.read(ctx, id)
	if err != nil {
		return "", err
	}
	a, err := archive.Open(zip)
	if err != nil {
		return "", err
	}
	return path, c.extract(id, a)
}

// read returns the whole archive.
func (c *codeShelf) read(ctx context.Context, id store.BlobID) ([]byte, error) {
	blob, err := c.store.OpenBlob(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open code %x: %w", id, err)
	}
	defer blob.Close()
	zip, err := io.ReadAll(io.LimitReader(blob, MaxZippedBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read code %x: %w", id, err)
	}
	return zip, nil
}

// extract makes the folder: under another name first, so that the folder is whole once it has its own. A file that was
// written is thereby closed long before it is run.
func (c *codeShelf) extract(id store.BlobID, archives ...*archive.Archive) error {
	path := c.path(id)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	// The root may have been swept away, by whoever tidies temporary folders.
	if err := os.MkdirAll(c.run, 0o700); err != nil {
		return fmt.Errorf("make code folder: %w", err)
	}
	part, err := os.MkdirTemp(c.run, "part-")
	if err != nil {
		return fmt.Errorf("make code folder: %w", err)
	}
	err = extractOver(part, archives)
	if err == nil {
		err = os.Chmod(part, 0o755)
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	return nil
}

func (c *codeShelf) path(id store.BlobID) string {
	return filepath.Join(c.run, hex.EncodeToString(id[:]))
}
