package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/millrace/millrace/store"
)

// markBytes is how many random bytes a chunk begins with: they make it a blob like no other.
const markBytes = 16

// chunk is a piece of an object: a blob.
type chunk struct {
	Blob string // its id, in hex
	Size int64  // bytes of the object in it
}

// writer is a write of chunks under way. Its blobs are garbage until a commit says otherwise.
type writer struct {
	s      *Service
	seats  chan struct{} // among those that it has a seat of
	chunks []chunk
	size   int64
}

// begin admits a write, or refuses it when there are as many as may be. The caller calls end when its commit was made, or
// will not be.
func (s *Service) begin(ctx context.Context) (*writer, error) {
	if err := s.certain(ctx); err != nil {
		return nil, err
	}
	select {
	case s.writers <- struct{}{}:
		return &writer{s: s, seats: s.writers}, nil
	default:
		return nil, ErrBusy
	}
}

// beginOwn admits a write of the house's own, whose body is in memory: it waits for nobody but for others of its kind.
func (s *Service) beginOwn(ctx context.Context) (*writer, error) {
	if err := s.certain(ctx); err != nil {
		return nil, err
	}
	select {
	case s.own <- struct{}{}:
		return &writer{s: s, seats: s.own}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end gives the write up, unless its chunks were committed.
func (w *writer) end() {
	w.s.mu.Lock()
	for _, c := range w.chunks {
		delete(w.s.writing, c.Blob)
	}
	w.s.mu.Unlock()
	<-w.seats
	w.s.wake()
}

// fill writes all that r yields, at most limit bytes. Only a whole chunk is in memory at a time.
func (w *writer) fill(ctx context.Context, r io.Reader, limit int64) error {
	var buffer bytes.Buffer
	for {
		buffer.Reset()
		if _, err := io.CopyN(&buffer, rand.Reader, markBytes); err != nil {
			return fmt.Errorf("mark a chunk: %w", err)
		}
		n, err := buffer.ReadFrom(io.LimitReader(r, chunkBytes))
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if w.size += n; w.size > limit {
			return ErrTooLarge
		}
		if err := w.put(ctx, buffer.Bytes()); err != nil {
			return err
		}
	}
}

// put writes one chunk: first its name among the garbage, then the blob.
func (w *writer) put(ctx context.Context, marked []byte) error {
	sum := sha256.Sum256(marked)
	blob := hex.EncodeToString(sum[:])
	w.s.mu.Lock()
	w.s.writing[blob] = struct{}{}
	w.s.mu.Unlock()
	w.chunks = append(w.chunks, chunk{Blob: blob, Size: int64(len(marked) - markBytes)})
	if err := w.s.garbage.Put(ctx, blob, garbageRow{}, 0); err != nil {
		return fmt.Errorf("note chunk %s: %w", blob, err)
	}
	if _, _, err := w.s.store.PutBlob(ctx, bytes.NewReader(marked), int64(len(marked))); err != nil {
		return fmt.Errorf("store chunk %s: %w", blob, err)
	}
	return nil
}

// kept are the changes that make the chunks part of something.
func (s *Service) kept(chunks []chunk) []store.Write {
	writes := make([]store.Write, 0, len(chunks)+1)
	for _, c := range chunks {
		writes = append(writes, s.garbage.Remove(c.Blob, 0))
	}
	return writes
}

// waste are the changes that make garbage of the chunks of an object's version, which may still be read.
func (s *Service) waste(version string, chunks []chunk) ([]store.Write, error) {
	writes := make([]store.Write, 0, len(chunks)+1)
	for _, c := range chunks {
		w, err := s.garbage.Write(c.Blob, garbageRow{Version: version}, 0)
		if err != nil {
			return nil, err
		}
		writes = append(writes, w)
	}
	return writes, nil
}

// section yields some bytes of the chunks from an offset on.
type section struct {
	open   func(blob string) (io.ReadCloser, error)
	chunks []chunk // those not opened yet
	skip   int64   // of the first of them
	left   int64
	blob   io.ReadCloser // that is read, or nil
}

// Read implements io.Reader.
func (r *section) Read(p []byte) (int, error) {
	for r.left > 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
		n, err := r.blob.Read(p[:min(int64(len(p)), r.left)])
		r.left -= int64(n)
		if err == io.EOF {
			err = r.Close()
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
	return 0, r.end()
}

// end reads on behind what was asked for: at a blob's end it is known that its bytes are the ones that were written.
func (r *section) end() error {
	if r.blob == nil {
		return io.EOF
	}
	if _, err := r.blob.Read(make([]byte, 1)); err != nil && err != io.EOF {
		return err
	}
	if err := r.Close(); err != nil {
		return err
	}
	return io.EOF
}

// next opens the next chunk, behind its mark and what is not asked for, unless one is open.
func (r *section) next() error {
	if r.blob != nil {
		return nil
	}
	for len(r.chunks) > 0 && r.skip >= r.chunks[0].Size {
		r.skip -= r.chunks[0].Size
		r.chunks = r.chunks[1:]
	}
	if len(r.chunks) == 0 {
		return io.ErrUnexpectedEOF
	}
	blob, err := r.open(r.chunks[0].Blob)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, blob, markBytes+r.skip); err != nil {
		return errors.Join(fmt.Errorf("read chunk %s: %w", r.chunks[0].Blob, err), blob.Close())
	}
	r.blob, r.chunks, r.skip = blob, r.chunks[1:], 0
	return nil
}

// Close lets go of the chunk that is open.
func (r *section) Close() error {
	if r.blob == nil {
		return nil
	}
	blob := r.blob
	r.blob = nil
	return blob.Close()
}

// blobID reads the id of a blob in hex.
func blobID(blob string) (id store.BlobID, err error) {
	if n, err := hex.Decode(id[:], []byte(blob)); err != nil || n != len(id) {
		return id, fmt.Errorf("blob %q: %w", blob, store.ErrCorrupt)
	}
	return id, nil
}
