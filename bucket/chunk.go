package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
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
	chunks []chunk
	size   int64
}

// begin admits a write. The caller calls end when its commit was made, or will not be.
func (s *Service) begin(ctx context.Context) (*writer, error) {
	select {
	case s.writers <- struct{}{}:
		return &writer{s: s}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	default:
		return nil, ErrBusy
	}
}

// end gives the write up, unless its chunks were committed.
func (w *writer) end() {
	w.s.mu.Lock()
	for _, c := range w.chunks {
		delete(w.s.writing, c.Blob)
	}
	w.s.mu.Unlock()
	<-w.s.writers
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

// section yields n bytes of the chunks from an offset on.
type section struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to be told
	s      *Service
	chunks []chunk
	skip   int64 // of the first chunk
	left   int64
	open   io.ReadCloser
}

// Read implements io.Reader.
func (r *section) Read(p []byte) (int, error) {
	for r.left > 0 {
		if r.open == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.open.Read(p[:min(int64(len(p)), r.left)])
		r.left -= int64(n)
		if err == io.EOF {
			err = r.Close()
			if n == 0 && err == nil {
				continue
			}
		}
		return n, err
	}
	// The end of the last blob is read too: there its bytes are known to be the ones that were written.
	if r.open != nil {
		var one [1]byte
		if n, err := r.open.Read(one[:]); err != nil && err != io.EOF {
			return 0, err
		} else if n == 0 {
			return 0, r.finish()
		}
		return 0, r.finish()
	}
	return 0, io.EOF
}

func (r *section) finish() error {
	if err := r.Close(); err != nil {
		return err
	}
	return io.EOF
}

// next opens the next chunk, behind its mark and what is not asked for.
func (r *section) next() error {
	for len(r.chunks) > 0 && r.skip >= r.chunks[0].Size {
		r.skip -= r.chunks[0].Size
		r.chunks = r.chunks[1:]
	}
	if len(r.chunks) == 0 {
		return io.ErrUnexpectedEOF
	}
	var id store.BlobID
	if n, err := hex.Decode(id[:], []byte(r.chunks[0].Blob)); err != nil || n != len(id) {
		return fmt.Errorf("chunk %q: %w", r.chunks[0].Blob, store.ErrCorrupt)
	}
	open, err := r.s.store.OpenBlob(r.ctx, id)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, open, markBytes+r.skip); err != nil {
		open.Close()
		return fmt.Errorf("read chunk %x: %w", id, err)
	}
	r.open, r.chunks, r.skip = open, r.chunks[1:], 0
	return nil
}

// Close lets go of the chunk that is open.
func (r *section) Close() error {
	if r.open == nil {
		return nil
	}
	open := r.open
	r.open = nil
	return open.Close()
}
