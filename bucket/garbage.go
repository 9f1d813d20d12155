package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// garbageRow names a blob that is part of no object.
type garbageRow struct {
	Version string // of the object that the blob was part of; empty when it was part of none
}

// wake lets Run look for garbage.
func (s *Service) wake() {
	select {
	case s.swept <- struct{}{}:
	default:
	}
}

// sweep removes the garbage that nobody writes or reads.
//
// That a blob can be removed is certain when it is not being written and its row is there still: a write takes the
// row out before it ends, and a row that was put in later stays. Nor can anybody begin to read it: who wants to read an
// object looks, after it said so, whether the object is still the one it was.
func (s *Service) sweep(ctx context.Context) error {
	var errs []error
	for item, err := range s.garbage.Scan(ctx, "") {
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("read the garbage: %w", err))...)
		}
		if s.inUse(item.Key, item.Value.Version) {
			continue
		}
		if err := s.remove(ctx, item.Key); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Service) inUse(blob, version string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, written := s.writing[blob]
	_, doubted := s.doubted[blob]
	return written || doubted || version != "" && s.reading[version] > 0
}

func (s *Service) remove(ctx context.Context, blob string) error {
	id, err := blobID(blob)
	if err != nil {
		return err
	}
	_, revision, err := s.garbage.Get(ctx, blob)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it became part of an object
	}
	if err != nil {
		return err
	}
	if err := s.store.DeleteBlob(ctx, id); err != nil {
		return err
	}
	err = s.store.Commit(ctx, s.garbage.Remove(blob, revision))
	if errors.Is(err, store.ErrConflict) {
		return nil // somebody made it garbage once more; the next sweep finds nothing to delete
	}
	return err
}
