package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// Tags returns the bucket's tags, none if it has none. Errors: ErrBucketNotFound, ErrForbidden.
func (s *Service) Tags(ctx context.Context, account, name string) (map[string]string, error) {
	if _, err := s.find(account, name); err != nil {
		return nil, err
	}
	if err := s.certain(ctx); err != nil {
		return nil, err
	}
	row, _, err := s.stored(ctx, account, name)
	return row.Tags, err
}

// SetTags replaces all tags of the bucket; none removes them. Errors: ErrBucketNotFound, ErrForbidden, ErrConflict.
func (s *Service) SetTags(ctx context.Context, account, name string, tags map[string]string) error {
	e, err := s.find(account, name)
	if err != nil {
		return err
	}
	done, err := s.change(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	row, revision, err := s.stored(ctx, account, name)
	if err != nil {
		return err
	}
	row.Tags = tags
	err = s.buckets.Put(context.WithoutCancel(ctx), name, row, revision)
	switch {
	case errors.Is(err, store.ErrConflict): // somebody else tagged it meanwhile
		return ErrConflict
	case store.InDoubt(err):
		s.doubtBucket(name)
	}
	if err != nil {
		return fmt.Errorf("tag bucket %s: %w", name, err)
	}
	return nil
}

// stored reads what is stored of the account's bucket, of which nothing is in doubt.
func (s *Service) stored(ctx context.Context, account, name string) (bucketRow, uint64, error) {
	row, revision, err := s.buckets.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Account != account {
		err = ErrBucketNotFound // deleted meanwhile
	}
	if err != nil {
		return bucketRow{}, 0, fmt.Errorf("read bucket %s: %w", name, err)
	}
	return row, revision, nil
}
