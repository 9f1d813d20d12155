package mapping

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/millrace/millrace/store"
)

// MaxTags is how many tags a mapping may have.
const MaxTags = 50

// tagTries bounds how often a change of tags is made anew because another came between.
const tagTries = 5

// Tags returns the tags of a mapping, or ErrNotFound.
func (s *Service) Tags(ctx context.Context, account, region, uuid string) (map[string]string, error) {
	if _, _, err := s.find(account, region, uuid); err != nil {
		return nil, err
	}
	tags, _, err := s.tags(ctx, uuid)
	return tags, err
}

// tags returns what is stored of a mapping's tags, and the revision to hand to the write that changes it.
func (s *Service) tags(ctx context.Context, uuid string) (map[string]string, uint64, error) {
	tags, revision, err := s.table.tags.Get(ctx, uuid)
	if errors.Is(err, store.ErrNotFound) {
		return map[string]string{}, store.Absent, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("load tags of mapping %s: %w", uuid, err)
	}
	return tags, revision, nil
}

// Tag sets tags of a mapping, beside those it has. It changes nothing else: no transition begins, and a batch that is at
// work goes on.
//
// Errors: ErrNotFound, ErrTooManyTags.
func (s *Service) Tag(ctx context.Context, account, region, uuid string, more map[string]string) error {
	return s.changeTags(ctx, account, region, uuid, func(tags map[string]string) error {
		maps.Copy(tags, more)
		if len(tags) > MaxTags {
			return ErrTooManyTags
		}
		return nil
	})
}

// Untag removes tags of a mapping; those that it does not have are no error. The error is ErrNotFound.
func (s *Service) Untag(ctx context.Context, account, region, uuid string, keys []string) error {
	return s.changeTags(ctx, account, region, uuid, func(tags map[string]string) error {
		for _, key := range keys {
			delete(tags, key)
		}
		return nil
	})
}

func (s *Service) changeTags(ctx context.Context, account, region, uuid string, change func(tags map[string]string) error) error {
	for range tagTries {
		if _, _, err := s.find(account, region, uuid); err != nil {
			return err
		}
		tags, revision, err := s.tags(ctx, uuid)
		if err != nil {
			return err
		}
		if err := change(tags); err != nil {
			return err
		}
		switch err := s.table.tags.Put(ctx, uuid, tags, revision); {
		case err == nil:
			return s.untagGone(ctx, uuid)
		case !errors.Is(err, store.ErrConflict):
			return fmt.Errorf("store tags of mapping %s: %w", uuid, err)
		}
	}
	return fmt.Errorf("store tags of mapping %s: %w", uuid, store.ErrConflict)
}

// untagGone removes the tags that a mapping was given when it was on its way out, and may have been removed already.
func (s *Service) untagGone(ctx context.Context, uuid string) error {
	if s.isThere(uuid) {
		return nil
	}
	if err := s.table.tags.Delete(ctx, uuid); err != nil {
		return fmt.Errorf("remove tags of mapping %s: %w", uuid, err)
	}
	return ErrNotFound
}
