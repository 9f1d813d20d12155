package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// Bounds of uploads in parts.
const (
	// MaxParts is the highest number of a part, and how many an object has at most.
	MaxParts = 10000
	// MinPartBytes is the least size of a part that is not the last.
	MinPartBytes = 5 << 20

	maxUploads = 1000 // under way to one bucket
)

// uploadRow is an upload in parts that was begun.
type uploadRow struct {
	Key   string
	Facts // as far as they are known before the bytes are
	Begun time.Time
}

// partRow is a part of it.
type partRow struct {
	Facts
	Size     int64
	Modified time.Time
	Chunks   []chunk
}

// Part names a part that is to become part of an object.
type Part struct {
	Number int
	ETag   string
}

// PartInfo is what is known of a part that was uploaded.
type PartInfo struct {
	Number   int
	Size     int64
	Modified time.Time
	Facts
}

// Upload is an upload in parts.
type Upload struct {
	Key, ID string
	Facts
	Begun time.Time
}

// BeginUpload begins an upload in parts and returns its id. Errors: ErrBucketNotFound, ErrForbidden, ErrKeyTooLong,
// ErrConflict, ErrBusy when too many were begun and neither completed nor given up.
func (s *Service) BeginUpload(ctx context.Context, account, bucket, key string, f Facts) (string, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return "", err
	}
	if len(key) > MaxKeyBytes {
		return "", ErrKeyTooLong
	}
	n := 0
	for _, err := range s.uploads.Scan(ctx, e.key("")) {
		if err != nil {
			return "", fmt.Errorf("count uploads to %s: %w", bucket, err)
		}
		n++
	}
	if n >= maxUploads {
		return "", ErrBusy
	}
	done, err := s.change(ctx, e)
	if err != nil {
		return "", err
	}
	defer done()
	id := uuid.NewString()
	return id, s.uploads.Put(ctx, e.key(id), uploadRow{Key: key, Facts: f, Begun: s.now()}, store.Absent)
}

// Uploads lists the uploads to a bucket that were begun. Errors: ErrBucketNotFound, ErrForbidden.
func (s *Service) Uploads(ctx context.Context, account, bucket string) ([]Upload, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return nil, err
	}
	var list []Upload
	for item, err := range s.uploads.Scan(ctx, e.key("")) {
		if err != nil {
			return nil, fmt.Errorf("list uploads to %s: %w", bucket, err)
		}
		r := item.Value
		list = append(list, Upload{Key: r.Key, ID: store.SplitKey(item.Key)[1], Facts: r.Facts, Begun: r.Begun})
	}
	return list, nil
}

// upload finds an upload by its id and key.
func (s *Service) upload(ctx context.Context, account, bucket, key, id string) (*entry, uploadRow, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return nil, uploadRow{}, err
	}
	if uuid.Validate(id) != nil {
		return e, uploadRow{}, ErrUploadNotFound
	}
	r, _, err := s.uploads.Get(ctx, e.key(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Key != key {
		return e, r, ErrUploadNotFound
	}
	return e, r, err
}

// DescribeUpload returns the upload. Errors: ErrBucketNotFound, ErrForbidden, ErrUploadNotFound.
func (s *Service) DescribeUpload(ctx context.Context, account, bucket, key, id string) (Upload, error) {
	_, r, err := s.upload(ctx, account, bucket, key, id)
	return Upload{Key: r.Key, ID: id, Facts: r.Facts, Begun: r.Begun}, err
}

// partKey orders an upload's parts by their numbers.
func partKey(id string, number int) string { return store.Key(id, fmt.Sprintf("%05d", number)) }

// PutPart writes a part, as Put writes an object; one of the same number is replaced. Errors: those of Put,
// ErrUploadNotFound, ErrPart for a number that no part can have.
func (s *Service) PutPart(
	ctx context.Context, account, bucket, key, id string, number int, body io.Reader, seal func() (Facts, error),
) error {
	if number < 1 || number > MaxParts {
		return ErrPart
	}
	e, _, err := s.upload(ctx, account, bucket, key, id)
	if err != nil {
		return err
	}
	w, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer w.end()
	if err := w.fill(ctx, body, MaxObjectBytes); err != nil {
		return err
	}
	row := partRow{Size: w.size, Chunks: w.chunks, Modified: s.now()}
	if row.Facts, err = seal(); err != nil {
		return err
	}
	return s.placePart(ctx, e, id, number, row)
}

func (s *Service) placePart(ctx context.Context, e *entry, id string, number int, row partRow) error {
	done, err := s.change(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	for range placeTries {
		// The upload's row is written anew, so that it cannot be completed or given up between.
		upload, known, err := s.uploads.Get(ctx, e.key(id))
		if errors.Is(err, store.ErrNotFound) {
			return ErrUploadNotFound
		}
		if err != nil {
			return err
		}
		old, revision, err := s.parts.Get(ctx, partKey(id, number))
		if errors.Is(err, store.ErrNotFound) {
			revision, err = store.Absent, nil
		}
		if err != nil {
			return err
		}
		writes, err := s.waste("", old.Chunks)
		if err != nil {
			return err
		}
		part, err := s.parts.Write(partKey(id, number), row, revision)
		if err != nil {
			return err
		}
		same, err := s.uploads.Write(e.key(id), upload, known)
		if err != nil {
			return err
		}
		writes = append(append(writes, part, same), s.kept(row.Chunks)...)
		err = s.store.Commit(context.WithoutCancel(ctx), writes...)
		if store.InDoubt(err) {
			s.doubtChunks(uuid.NewString(), row.Chunks)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// Parts lists the parts that were uploaded, in the order of their numbers. Errors: ErrBucketNotFound, ErrForbidden,
// ErrUploadNotFound.
func (s *Service) Parts(ctx context.Context, account, bucket, key, id string) ([]PartInfo, error) {
	if _, _, err := s.upload(ctx, account, bucket, key, id); err != nil {
		return nil, err
	}
	rows, err := s.partRows(ctx, id)
	if err != nil {
		return nil, err
	}
	list := make([]PartInfo, len(rows))
	for i, r := range rows {
		list[i] = PartInfo{Number: r.number, Size: r.Size, Modified: r.Modified, Facts: r.Facts}
	}
	return list, nil
}

type numbered struct {
	number int
	partRow
}

func (s *Service) partRows(ctx context.Context, id string) ([]numbered, error) {
	var rows []numbered
	for item, err := range s.parts.Scan(ctx, store.Key(id, "")) {
		if err != nil {
			return nil, fmt.Errorf("read parts of upload %s: %w", id, err)
		}
		number, err := strconv.Atoi(store.SplitKey(item.Key)[1])
		if err != nil {
			return nil, fmt.Errorf("part %q: %w", item.Key, store.ErrCorrupt)
		}
		rows = append(rows, numbered{number, item.Value})
	}
	return rows, nil
}

// CompleteUpload makes an object of parts; the others are dropped. seal is told of the parts and says what is to be kept of
// the object. Errors: those of Put, ErrUploadNotFound, ErrPart, ErrPartOrder, ErrPartTooSmall.
func (s *Service) CompleteUpload(
	ctx context.Context, account, bucket, key, id string, parts []Part, c Condition, seal func(Upload, []PartInfo) (Facts, error),
) (Object, error) {
	e, upload, err := s.upload(ctx, account, bucket, key, id)
	if err != nil {
		return Object{}, err
	}
	// Its revision now: a part that is replaced after this, or another end of the upload, is a conflict.
	_, revision, err := s.uploads.Get(ctx, e.key(id))
	if err != nil {
		return Object{}, ErrUploadNotFound
	}
	rows, err := s.partRows(ctx, id)
	if err != nil {
		return Object{}, err
	}
	chosen, left, err := choose(rows, parts)
	if err != nil {
		return Object{}, err
	}
	var row objectRow
	var infos []PartInfo
	for _, p := range chosen {
		row.Size += p.Size
		row.Chunks = append(row.Chunks, p.Chunks...)
		infos = append(infos, PartInfo{Number: p.number, Size: p.Size, Modified: p.Modified, Facts: p.Facts})
	}
	if row.Size > MaxObjectBytes {
		return Object{}, ErrTooLarge
	}
	if row.Facts, err = seal(Upload{Key: key, ID: id, Facts: upload.Facts, Begun: upload.Begun}, infos); err != nil {
		return Object{}, err
	}
	also, err := s.waste("", left)
	if err != nil {
		return Object{}, err
	}
	for _, p := range rows {
		also = append(also, s.parts.Remove(partKey(id, p.number), 0))
	}
	also = append(also, s.uploads.Remove(e.key(id), revision))
	defer s.wake()
	if err := s.place(ctx, e, key, &row, c, also); err != nil {
		return Object{}, err
	}
	return row.object(key), nil
}

// choose finds the parts that are named, and the chunks of those that are not.
func choose(rows []numbered, parts []Part) (chosen []numbered, left []chunk, err error) {
	named := map[int]numbered{}
	for _, r := range rows {
		named[r.number] = r
	}
	for i := range len(parts) - 1 { // AWS judges the order before it looks at any part
		if parts[i+1].Number <= parts[i].Number {
			return nil, nil, ErrPartOrder
		}
	}
	for i, p := range parts {
		r, ok := named[p.Number]
		if !ok || r.ETag != p.ETag {
			return nil, nil, ErrPart
		}
		if r.Size < MinPartBytes && i < len(parts)-1 {
			return nil, nil, ErrPartTooSmall
		}
		chosen = append(chosen, r)
		delete(named, p.Number)
	}
	for _, r := range named {
		left = append(left, r.Chunks...)
	}
	return chosen, left, nil
}

// DropUpload gives an upload up. Errors: ErrBucketNotFound, ErrForbidden, ErrUploadNotFound, ErrConflict.
func (s *Service) DropUpload(ctx context.Context, account, bucket, key, id string) error {
	e, _, err := s.upload(ctx, account, bucket, key, id)
	if err != nil {
		return err
	}
	done, err := s.change(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	return s.drop(ctx, e, id)
}

func (s *Service) drop(ctx context.Context, e *entry, id string) error {
	for range placeTries {
		_, revision, err := s.uploads.Get(ctx, e.key(id))
		if errors.Is(err, store.ErrNotFound) {
			return ErrUploadNotFound
		}
		if err != nil {
			return err
		}
		rows, err := s.partRows(ctx, id)
		if err != nil {
			return err
		}
		var writes []store.Write
		for _, r := range rows {
			waste, err := s.waste("", r.Chunks)
			if err != nil {
				return err
			}
			writes = append(append(writes, waste...), s.parts.Remove(partKey(id, r.number), 0))
		}
		err = s.store.Commit(context.WithoutCancel(ctx), append(writes, s.uploads.Remove(e.key(id), revision))...)
		if !errors.Is(err, store.ErrConflict) {
			s.wake()
			return err
		}
	}
	return ErrConflict
}
