package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// Object is what is known of an object beside its bytes.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
	Facts
}

// Facts are what a writer says of an object.
type Facts struct {
	// ETag is the object's tag, without quotes: the MD5 of its bytes in hex, or for one of parts what AWS makes of them.
	ETag string
	// Headers are those of HTTP that belong to the object, such as Content-Type, by their canonical names.
	Headers map[string]string `json:",omitempty"`
	// Metadata is the writer's own, by names in small letters.
	Metadata map[string]string `json:",omitempty"`
	// Checksum is a checksum of the bytes in base64, Algorithm its name: CRC32. Empty when there is none.
	Algorithm, Checksum string `json:",omitempty"`
	// Composite says that the checksum is one of the checksums of the parts.
	Composite bool `json:",omitempty"`
}

// objectRow is an object as its row holds it.
type objectRow struct {
	Facts
	Version  string // a UUID that is another after every write
	Size     int64
	Modified time.Time
	Chunks   []chunk
}

func (r *objectRow) object(key string) Object {
	return Object{Key: key, Size: r.Size, Modified: r.Modified, Facts: r.Facts}
}

// Condition says which write of an object may replace what is there. The zero value always may.
type Condition struct {
	Absent bool   // only when there is no object
	ETag   string // only an object with this tag
}

func (c Condition) holds(old *objectRow, there bool) error {
	switch {
	case c.Absent && there:
		return ErrPrecondition
	case c.ETag != "" && !there:
		return ErrNotFound
	case c.ETag != "" && c.ETag != old.ETag:
		return ErrPrecondition
	}
	return nil
}

// Put writes an object, all that body yields. When body has ended, seal says what is to be kept of the object; its error is
// Put's, and then nothing was written. The object is durable when Put returns. Errors: ErrBucketNotFound, ErrForbidden,
// ErrKeyTooLong, ErrTooLarge, ErrPrecondition, ErrNotFound (for Condition.ETag), ErrConflict, ErrBusy, and those of body.
func (s *Service) Put(
	ctx context.Context, account, bucket, key string, body io.Reader, c Condition, seal func() (Facts, error),
) (Object, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return Object{}, err
	}
	if len(key) > MaxKeyBytes {
		return Object{}, ErrKeyTooLong
	}
	w, err := s.begin(ctx)
	if err != nil {
		return Object{}, err
	}
	return w.object(ctx, e, key, body, c, seal)
}

// object writes an object, and ends the write.
func (w *writer) object(
	ctx context.Context, e *entry, key string, body io.Reader, c Condition, seal func() (Facts, error),
) (Object, error) {
	defer w.end()
	if err := w.fill(ctx, body, MaxObjectBytes); err != nil {
		return Object{}, err
	}
	facts, err := seal()
	if err != nil {
		return Object{}, err
	}
	row := objectRow{Facts: facts, Size: w.size, Chunks: w.chunks}
	if err := w.s.place(ctx, e, key, &row, c, w.s.kept(w.chunks)); err != nil {
		return Object{}, err
	}
	return row.object(key), nil
}

// placeTries bounds how often a write is tried of which others were faster.
const placeTries = 100

// place makes a row the object of its key, together with further changes. What it replaces becomes garbage.
func (s *Service) place(ctx context.Context, e *entry, key string, row *objectRow, c Condition, also []store.Write) error {
	done, err := s.change(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	row.Version, row.Modified = uuid.NewString(), s.now()
	for range placeTries {
		old, revision, err := s.objects.Get(ctx, e.key(key))
		there := err == nil
		if errors.Is(err, store.ErrNotFound) {
			revision, err = store.Absent, nil
		}
		if err != nil {
			return fmt.Errorf("look for %s/%s: %w", e.Name, key, err)
		}
		if err := c.holds(&old, there); err != nil {
			return err
		}
		writes, err := s.waste(old.Version, old.Chunks)
		if err != nil {
			return err
		}
		put, err := s.objects.Write(e.key(key), *row, revision)
		if err != nil {
			return err
		}
		// A client that goes away must not leave the outcome open.
		err = s.store.Commit(context.WithoutCancel(ctx), append(append(writes, put), also...)...)
		if store.InDoubt(err) {
			s.doubtChunks(row.Version, row.Chunks)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// key is the key of an object's row.
func (e *entry) key(key string) string { return store.Key(e.number, key) }

// Remove deletes the object; that there is none is no error. Errors: ErrBucketNotFound, ErrForbidden, ErrConflict.
func (s *Service) Remove(ctx context.Context, account, bucket, key string) error {
	e, err := s.find(account, bucket)
	if err != nil {
		return err
	}
	done, err := s.change(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	defer s.wake()
	for range placeTries {
		old, revision, err := s.objects.Get(ctx, e.key(key))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for %s/%s: %w", e.Name, key, err)
		}
		writes, err := s.waste(old.Version, old.Chunks)
		if err != nil {
			return err
		}
		err = s.store.Commit(context.WithoutCancel(ctx), append(writes, s.objects.Remove(e.key(key), revision))...)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// PutBytes writes an object of the house's own, which is in memory. However many clients write, or begin to and do not go on,
// it is not ErrBusy. Other errors: those of Put.
func (s *Service) PutBytes(ctx context.Context, account, bucket, key string, body []byte, contentType string) (Object, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return Object{}, err
	}
	if len(key) > MaxKeyBytes {
		return Object{}, ErrKeyTooLong
	}
	w, err := s.beginOwn(ctx)
	if err != nil {
		return Object{}, err
	}
	return w.object(ctx, e, key, bytes.NewReader(body), Condition{}, func() (Facts, error) {
		sum := md5.Sum(body)
		return Facts{ETag: hex.EncodeToString(sum[:]), Headers: map[string]string{"Content-Type": contentType}}, nil
	})
}
