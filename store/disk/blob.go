package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// Blobs are files of their own, named by their hash. A blob is written under a temporary name and synced, then given
// its name, and then the directory is synced: a name stands for a whole blob at every moment. Names left over by a
// crash are removed when the store is opened.

const (
	tempPrefix = "tmp-"
	copyBytes  = 64 << 10
	writeKind  = vfs.DiskWriteCategory("millrace-blob")
)

// blobDir is the directory of the blobs.
type blobDir struct {
	fs   vfs.FS
	dir  string
	temp *atomic.Uint64 // numbers the temporary names
}

func openBlobDir(files vfs.FS, dir string) (blobDir, error) {
	b := blobDir{fs: files, dir: dir, temp: new(atomic.Uint64)}
	if err := makeDir(files, dir); err != nil {
		return b, err
	}
	names, err := files.List(dir)
	if err != nil {
		return b, err
	}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			if err := files.Remove(files.PathJoin(dir, name)); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}

func (b blobDir) path(id store.BlobID) string { return b.fs.PathJoin(b.dir, hex.EncodeToString(id[:])) }

// PutBlob implements store.Blobs.
func (s *Store) PutBlob(ctx context.Context, r io.Reader, limit int64) (store.BlobID, int64, error) {
	id, n, err := s.putBlob(ctx, r, limit)
	if isFull(err) {
		err = fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	if err != nil {
		return store.BlobID{}, 0, fmt.Errorf("put blob: %w", err)
	}
	return id, n, nil
}

func (s *Store) putBlob(ctx context.Context, r io.Reader, limit int64) (id store.BlobID, n int64, err error) {
	if err := s.enter(ctx); err != nil {
		return id, 0, err
	}
	defer s.leave()
	if err := s.failure(); err != nil {
		return id, 0, err
	}
	b := s.blobs
	temp := b.fs.PathJoin(b.dir, fmt.Sprintf("%s%d", tempPrefix, b.temp.Add(1)))
	f, err := b.fs.Create(temp, writeKind)
	if err != nil {
		return id, 0, err
	}
	id, n, err = s.copyBlob(ctx, f, r, limit)
	if err != nil {
		return id, 0, errors.Join(err, f.Close(), b.fs.Remove(temp))
	}
	return id, n, s.await(ctx, func() error {
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return errors.Join(err, b.fs.Remove(temp))
		}
		if err := b.fs.Rename(temp, b.path(id)); err != nil {
			return errors.Join(err, b.fs.Remove(temp))
		}
		return syncDir(b.fs, b.dir)
	})
}

// copyBlob writes what r yields to the file.
func (s *Store) copyBlob(ctx context.Context, f vfs.File, r io.Reader, limit int64) (id store.BlobID, n int64, err error) {
	sum := sha256.New()
	buf := make([]byte, copyBytes)
	for {
		if err := ctx.Err(); err != nil {
			return id, n, err
		}
		read, readErr := r.Read(buf)
		if n += int64(read); n > limit {
			return id, n, fmt.Errorf("more than %d bytes: %w", limit, store.ErrTooLarge)
		}
		if read > 0 {
			if err := s.space.admit(int64(read)); err != nil {
				return id, n, err
			}
			sum.Write(buf[:read])
			if _, err := f.Write(buf[:read]); err != nil {
				return id, n, err
			}
		}
		if readErr == io.EOF {
			sum.Sum(id[:0])
			return id, n, nil
		}
		if readErr != nil {
			return id, n, readErr
		}
	}
}

// OpenBlob implements store.Blobs.
func (s *Store) OpenBlob(ctx context.Context, id store.BlobID) (io.ReadCloser, error) {
	r, err := s.openBlob(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open blob %x: %w", id, err)
	}
	return r, nil
}

func (s *Store) openBlob(ctx context.Context, id store.BlobID) (io.ReadCloser, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	f, err := s.blobs.fs.Open(s.blobs.path(id), vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &blobReader{file: f, id: id, sum: sha256.New()}, nil
}

// DeleteBlob implements store.Blobs.
func (s *Store) DeleteBlob(ctx context.Context, id store.BlobID) error {
	if err := s.deleteBlob(ctx, id); err != nil {
		return fmt.Errorf("delete blob %x: %w", id, err)
	}
	return nil
}

func (s *Store) deleteBlob(ctx context.Context, id store.BlobID) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.failure(); err != nil {
		return err
	}
	return s.await(ctx, func() error {
		if err := s.blobs.fs.Remove(s.blobs.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return syncDir(s.blobs.fs, s.blobs.dir)
	})
}

// blobReader yields a blob's bytes, and at their end tells whether they are the blob's.
type blobReader struct {
	file vfs.File
	id   store.BlobID
	sum  hash.Hash
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	r.sum.Write(p[:n])
	if err == io.EOF && store.BlobID(r.sum.Sum(nil)) != r.id {
		return n, fmt.Errorf("read blob %x: %w: its bytes have another hash", r.id, store.ErrCorrupt)
	}
	return n, err
}

// Close implements io.Closer.
func (r *blobReader) Close() error { return r.file.Close() }
