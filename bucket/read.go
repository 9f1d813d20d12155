package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/millrace/millrace/store"
)

// Reading is an object that is being read. It stays whole until it is closed, also when the object is replaced or deleted
// meanwhile.
type Reading struct {
	Object
	s      *Service
	row    objectRow
	closed bool
}

// Head returns what is known of an object. Errors: ErrBucketNotFound, ErrForbidden, ErrNotFound.
func (s *Service) Head(ctx context.Context, account, bucket, key string) (Object, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return Object{}, err
	}
	row, err := s.row(ctx, e, key)
	return row.object(key), err
}

func (s *Service) row(ctx context.Context, e *entry, key string) (objectRow, error) {
	if len(key) > MaxKeyBytes {
		return objectRow{}, ErrNotFound
	}
	row, _, err := s.objects.Get(ctx, e.key(key))
	if errors.Is(err, store.ErrNotFound) {
		return row, ErrNotFound
	}
	if err != nil {
		return row, fmt.Errorf("look for %s/%s: %w", e.Name, key, err)
	}
	return row, nil
}

// Open begins to read an object. The caller closes the reading. Errors: ErrBucketNotFound, ErrForbidden, ErrNotFound.
func (s *Service) Open(ctx context.Context, account, bucket, key string) (*Reading, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return nil, err
	}
	for {
		row, err := s.row(ctx, e, key)
		if err != nil {
			return nil, err
		}
		s.hold(row.Version, 1)
		r := &Reading{Object: row.object(key), s: s, row: row}
		// Only now is it known that its chunks stay.
		again, err := s.row(ctx, e, key)
		if err == nil && again.Version == row.Version {
			return r, nil
		}
		r.Close()
		if err != nil {
			return nil, err
		}
	}
}

func (s *Service) hold(version string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading[version] += n; s.reading[version] == 0 {
		delete(s.reading, version)
	}
}

// Section returns n bytes of the object from the offset on, which it must have. The caller closes it. Damage is an error
// that wraps store.ErrCorrupt, at the latest at the end of the chunk that has it.
func (r *Reading) Section(ctx context.Context, offset, n int64) io.ReadCloser {
	open := func(blob string) (io.ReadCloser, error) {
		id, err := blobID(blob)
		if err != nil {
			return nil, err
		}
		return r.s.store.OpenBlob(ctx, id)
	}
	return &section{open: open, chunks: r.row.Chunks, skip: offset, left: n}
}

// Close ends the reading.
func (r *Reading) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.s.hold(r.row.Version, -1)
	r.s.wake()
}
