package bucket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// Bucket is a bucket as it stands. Names are one space for all accounts and regions.
type Bucket struct {
	Name            string
	Account, Region string
	Created         time.Time
}

// bucketRow is a bucket as its row holds it.
type bucketRow struct {
	Account, Region string
	Created         time.Time
	Number          string            // a UUID, so that the rows of a deleted bucket are never those of a new one
	Tags            map[string]string `json:",omitempty"`
}

func (r bucketRow) entry(name string) *entry {
	return &entry{Bucket: Bucket{Name: name, Account: r.Account, Region: r.Region, Created: r.Created}, number: r.Number}
}

// ValidName reports whether a bucket can have the name.
func ValidName(name string) bool {
	if len(name) < 3 || len(name) > 63 || net.ParseIP(name) != nil || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		c := name[i]
		inside := c == '.' || c == '-'
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || inside && i > 0 && i < len(name)-1) {
			return false
		}
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}

// Create makes a bucket. Errors: ErrBucketName, ErrBucketOwned, ErrBucketTaken, ErrTooManyBuckets.
func (s *Service) Create(ctx context.Context, account, region, name string) error {
	if !ValidName(name) {
		return ErrBucketName
	}
	if err := s.certain(ctx); err != nil {
		return err
	}
	switch _, err := s.find(account, name); {
	case err == nil:
		return ErrBucketOwned
	case errors.Is(err, ErrForbidden):
		return ErrBucketTaken
	}
	if len(s.List(account)) >= maxBuckets {
		return ErrTooManyBuckets
	}
	row := bucketRow{Account: account, Region: region, Created: s.now(), Number: uuid.NewString()}
	err := s.buckets.Put(context.WithoutCancel(ctx), name, row, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		// Somebody was faster.
		if row, _, err = s.buckets.Get(ctx, name); err == nil {
			err = ErrBucketOwned
			if row.Account != account {
				err = ErrBucketTaken
			}
			s.install(row.entry(name))
		}
		return err
	}
	if store.InDoubt(err) {
		s.doubtBucket(name)
	}
	if err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	s.install(row.entry(name))
	return nil
}

// install takes in a bucket, unless it is known.
func (s *Service) install(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[e.Name] == nil {
		s.known[e.Name] = e
	}
}

// Describe returns the account's bucket. Errors: ErrBucketNotFound, ErrForbidden.
func (s *Service) Describe(account, name string) (Bucket, error) {
	e, err := s.find(account, name)
	if err != nil {
		return Bucket{}, err
	}
	return e.Bucket, nil
}

// List returns the account's buckets in the order of their names.
func (s *Service) List(account string) []Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Bucket
	for _, e := range s.known {
		if e.Account == account {
			list = append(list, e.Bucket)
		}
	}
	slices.SortFunc(list, func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Delete removes an empty bucket, and the uploads to it that were never completed. Errors: ErrBucketNotFound, ErrForbidden,
// ErrNotEmpty, ErrConflict.
func (s *Service) Delete(ctx context.Context, account, name string) error {
	if err := s.certain(ctx); err != nil {
		return err
	}
	e, err := s.find(account, name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	busy := e.deleting || e.changing > 0
	e.deleting = e.deleting || !busy
	s.mu.Unlock()
	if busy {
		return ErrConflict
	}
	if err = s.clear(ctx, e); err == nil {
		if err = s.buckets.Delete(context.WithoutCancel(ctx), name); store.InDoubt(err) {
			s.doubtBucket(name) // nothing more is put into it until it is known
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.deleting = false
	if err == nil {
		delete(s.known, name)
	}
	return err
}

// clear gives up the uploads to a bucket without objects.
func (s *Service) clear(ctx context.Context, e *entry) error {
	for _, err := range s.objects.Scan(ctx, store.Key(e.number, "")) {
		if err != nil {
			return fmt.Errorf("look into bucket %s: %w", e.Name, err)
		}
		return ErrNotEmpty
	}
	for item, err := range s.uploads.Scan(ctx, store.Key(e.number, "")) {
		if err != nil {
			return fmt.Errorf("look for uploads to %s: %w", e.Name, err)
		}
		if err := s.drop(ctx, e, store.SplitKey(item.Key)[1]); err != nil {
			return err
		}
	}
	return nil
}
