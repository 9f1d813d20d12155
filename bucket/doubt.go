package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// doubtBucket has it found out whether there is a bucket, when the commit that made or deleted it failed. Until then memory
// has what it had.
func (s *Service) doubtBucket(name string) {
	s.doubts.Add("bucket "+name, func(ctx context.Context) error {
		row, _, err := s.buckets.Get(ctx, name)
		there := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("look for bucket %s: %w", name, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		e := s.known[name]
		switch {
		case there && e == nil:
			s.known[name] = row.entry(name)
		case there:
			e.deleting = false
		case e != nil:
			delete(s.known, name)
		}
		return nil
	})
}

// doubtChunks keeps chunks from being swept that are garbage in the store as long as it is not known whether they came to be
// part of something.
func (s *Service) doubtChunks(version string, chunks []chunk) {
	s.mu.Lock()
	for _, c := range chunks {
		s.doubted[c.Blob] = struct{}{}
	}
	s.mu.Unlock()
	s.doubts.Add("chunks "+version, func(context.Context) error {
		s.mu.Lock()
		for _, c := range chunks {
			delete(s.doubted, c.Blob)
		}
		s.mu.Unlock()
		s.wake()
		return nil
	})
}

// certain returns nil when nothing is in doubt any more: only then is anything written, so that what is in doubt is bounded by
// what was under way at one time.
func (s *Service) certain(ctx context.Context) error {
	return s.doubts.SettleAll(ctx, "")
}
