package storetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/millrace/millrace/store"
)

func randomBytes(seed uint64, n int) []byte {
	data := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = rng.Read(data)
	return data
}

func readBlob(t testing.TB, s store.Store, id store.BlobID) []byte {
	t.Helper()
	r, err := s.OpenBlob(t.Context(), id)
	if err != nil {
		t.Fatalf("open blob: %v", err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatalf("read blob: %v", err)
	}
	return data
}

func testBlobs(t *testing.T, e *engine) {
	_, err := e.Store.OpenBlob(t.Context(), store.BlobID{1})
	wantError(t, "open of nothing", err, store.ErrNotFound)
	for i, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 3 << 20} {
		data := randomBytes(uint64(i), size)
		for again := 0; again < 2; again++ {
			id, n, err := e.Store.PutBlob(t.Context(), iotest.HalfReader(bytes.NewReader(data)), int64(size))
			if err != nil {
				t.Fatalf("put %d bytes: %v", size, err)
			}
			wantEqual(t, "id", id, store.BlobID(sha256.Sum256(data)))
			wantEqual(t, "length", n, int64(size))
			if !bytes.Equal(readBlob(t, e.Store, id), data) {
				t.Errorf("a blob of %d bytes came back with others", size)
			}
			e.reopen(t)
		}
		id := store.BlobID(sha256.Sum256(data))
		if e.Reopen != nil && !bytes.Equal(readBlob(t, e.Store, id), data) {
			t.Errorf("a blob of %d bytes came back with others", size)
		}
		for again := 0; again < 2; again++ {
			if err := e.Store.DeleteBlob(t.Context(), id); err != nil {
				t.Errorf("delete: %v", err)
			}
		}
		_, err := e.Store.OpenBlob(t.Context(), id)
		wantError(t, "open of what was deleted", err, store.ErrNotFound)
	}
}

func testBlobLimit(t *testing.T, e *engine) {
	data := strings.Repeat("x", 1001)
	_, _, err := e.Store.PutBlob(t.Context(), strings.NewReader(data), 1000)
	wantError(t, "put over the limit", err, store.ErrTooLarge)
	_, err = e.Store.OpenBlob(t.Context(), sha256.Sum256([]byte(data)))
	wantError(t, "open of what was refused", err, store.ErrNotFound)
	_, err = e.Store.OpenBlob(t.Context(), sha256.Sum256([]byte(data[:1000])))
	wantError(t, "open of its beginning", err, store.ErrNotFound)
}

func testBlobFailingReader(t *testing.T, e *engine) {
	broken := errors.New("the client went away")
	_, _, err := e.Store.PutBlob(t.Context(), io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(broken)), 1000)
	wantError(t, "put", err, broken)
	_, err = e.Store.OpenBlob(t.Context(), sha256.Sum256([]byte("begin")))
	wantError(t, "open of what was broken off", err, store.ErrNotFound)
}

func testBlobDeletedWhileRead(t *testing.T, e *engine) {
	data := randomBytes(1, 1<<20)
	id, _, err := e.Store.PutBlob(t.Context(), bytes.NewReader(data), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Store.OpenBlob(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := e.Store.DeleteBlob(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	// A reader either gets what it opened or an error, never other bytes.
	if got, err := io.ReadAll(r); err == nil && !bytes.Equal(got, data) {
		t.Error("read other bytes")
	}
}
