package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

const account = "123456789012"

// newRoom opens a room on the file system, or on one of its own when it is nil.
func newRoom(t *testing.T, fs vfs.FS) *Service {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true, FS: fs, ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	s, err := New(t.Context(), Config{Store: engine, Clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Service) mustCreate(t *testing.T, name string) {
	t.Helper()
	if err := s.Create(t.Context(), account, "us-east-1", name); err != nil {
		t.Fatal(err)
	}
}

func (s *Service) mustPut(t *testing.T, bucket, key string, body []byte) Object {
	t.Helper()
	o, err := s.PutBytes(t.Context(), account, bucket, key, body, "text/plain")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (s *Service) mustRead(t *testing.T, bucket, key string) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), account, bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r.Section(t.Context(), 0, r.Size))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// blobs are the blobs that the room's rows name, those of the garbage too, and which of them are in the store.
func (s *Service) blobs(t *testing.T) (objects, garbage []string) {
	t.Helper()
	for item, err := range s.objects.Scan(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range item.Value.Chunks {
			objects = append(objects, c.Blob)
		}
	}
	for item, err := range s.garbage.Scan(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		garbage = append(garbage, item.Key)
	}
	return objects, garbage
}

func (s *Service) hasBlob(t *testing.T, blob string) bool {
	t.Helper()
	var id store.BlobID
	if _, err := hex.Decode(id[:], []byte(blob)); err != nil {
		t.Fatal(err)
	}
	r, err := s.store.OpenBlob(t.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	return true
}

func noise(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestObjectsOfAllSizes(t *testing.T) {
	s := newRoom(t, nil)
	s.mustCreate(t, "sizes")
	for _, n := range []int{0, 1, 100_000, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2*chunkBytes + 5} {
		body := noise(t, n)
		o := s.mustPut(t, "sizes", "key", body)
		sum := md5.Sum(body)
		if o.Size != int64(n) || o.ETag != hex.EncodeToString(sum[:]) {
			t.Errorf("%d bytes: %+v", n, o)
		}
		if !bytes.Equal(s.mustRead(t, "sizes", "key"), body) {
			t.Errorf("%d bytes: others are read", n)
		}
		r, err := s.Open(t.Context(), account, "sizes", "key")
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range [][2]int{{0, 1}, {n / 2, n - n/2}, {n - 1, 1}, {chunkBytes - 2, 4}} {
			if from, length := span[0], span[1]; from >= 0 && from+length <= n {
				part, err := io.ReadAll(r.Section(t.Context(), int64(from), int64(length)))
				if err != nil || !bytes.Equal(part, body[from:from+length]) {
					t.Errorf("%d bytes from %d of %d: %d bytes, %v", length, from, n, len(part), err)
				}
			}
		}
		r.Close()
	}
}

// A blob belongs to one object: the same bytes twice are two, and deleting one leaves the other.
func TestDeletingFrees(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "frees")
	s.mustPut(t, "frees", "a", []byte("same"))
	s.mustPut(t, "frees", "b", []byte("same"))
	s.mustPut(t, "frees", "b", []byte("other"))
	before, garbage := s.blobs(t)
	if len(before) != 2 || len(garbage) != 1 {
		t.Fatalf("%d blobs, %d garbage", len(before), len(garbage))
	}
	if err := s.sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if s.hasBlob(t, garbage[0]) {
		t.Error("what was replaced is still there")
	}
	if err := s.Remove(ctx, account, "frees", "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.sweep(ctx); err != nil {
		t.Fatal(err)
	}
	after, garbage := s.blobs(t)
	if len(after) != 1 || len(garbage) != 0 || string(s.mustRead(t, "frees", "b")) != "other" {
		t.Errorf("%d blobs, %d garbage", len(after), len(garbage))
	}
	for _, blob := range before {
		if s.hasBlob(t, blob) != slices.Contains(after, blob) {
			t.Errorf("blob %s", blob)
		}
	}
}

// Who reads an object reads it to the end, though it be replaced and deleted meanwhile; then its bytes go.
func TestReadersKeepWhatTheyRead(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "held")
	body := noise(t, chunkBytes+10)
	s.mustPut(t, "held", "key", body)
	r, err := s.Open(ctx, account, "held", "key")
	if err != nil {
		t.Fatal(err)
	}
	s.mustPut(t, "held", "key", []byte("new"))
	if err := s.Remove(ctx, account, "held", "key"); err != nil {
		t.Fatal(err)
	}
	if err := s.sweep(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r.Section(ctx, 0, r.Size))
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	r.Close()
	if err := s.sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if _, garbage := s.blobs(t); len(garbage) != 0 {
		t.Errorf("%d blobs are kept", len(garbage))
	}
}

// A body that fails, or is not what it was said to be, leaves nothing behind and what was there as it was.
func TestFailedWritesLeaveNothing(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "fails")
	s.mustPut(t, "fails", "key", []byte("old"))
	broken := io.MultiReader(bytes.NewReader(noise(t, chunkBytes+1)), failingReader{})
	if _, err := s.Put(ctx, account, "fails", "key", broken, Condition{}, func() (Facts, error) { return Facts{}, nil }); !errors.Is(err, errBroken) {
		t.Errorf("broken body: %v", err)
	}
	if _, err := s.Put(ctx, account, "fails", "key", strings.NewReader("new"), Condition{}, func() (Facts, error) { return Facts{}, errBroken }); !errors.Is(err, errBroken) {
		t.Errorf("refused body: %v", err)
	}
	if err := s.sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if objects, garbage := s.blobs(t); len(objects) != 1 || len(garbage) != 0 || string(s.mustRead(t, "fails", "key")) != "old" {
		t.Errorf("%d blobs, %d garbage", len(objects), len(garbage))
	}
}

var errBroken = errors.New("broken")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

func TestConditions(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "conditions")
	put := func(c Condition) error {
		_, err := s.Put(ctx, account, "conditions", "key", strings.NewReader("x"), c, func() (Facts, error) { return Facts{ETag: "tag"}, nil })
		return err
	}
	for i, step := range []struct {
		c    Condition
		want error
	}{
		{Condition{ETag: "tag"}, ErrNotFound},
		{Condition{Absent: true}, nil},
		{Condition{Absent: true}, ErrPrecondition},
		{Condition{ETag: "other"}, ErrPrecondition},
		{Condition{ETag: "tag"}, nil},
	} {
		if err := put(step.c); !errors.Is(err, step.want) {
			t.Errorf("step %d: %v", i, err)
		}
	}
}

// Of many who write one key on condition that it is absent, one succeeds.
func TestOneOfManyIsFirst(t *testing.T) {
	s := newRoom(t, nil)
	s.mustCreate(t, "race")
	var running sync.WaitGroup
	won := make(chan int, 32)
	for i := range cap(won) {
		running.Go(func() {
			_, err := s.Put(t.Context(), account, "race", "key", strings.NewReader(string(rune('A'+i))), Condition{Absent: true}, func() (Facts, error) { return Facts{}, nil })
			if err == nil {
				won <- i
			} else if !errors.Is(err, ErrPrecondition) {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if len(won) != 1 {
		t.Fatalf("%d have won", len(won))
	}
	if got := s.mustRead(t, "race", "key"); string(got) != string(rune('A'+<-won)) {
		t.Errorf("%s", got)
	}
}

func TestBuckets(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "mine")
	other := "000000000000"
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("again", s.Create(ctx, account, "us-east-1", "mine"), ErrBucketOwned)
	check("another's", s.Create(ctx, other, "us-east-1", "mine"), ErrBucketTaken)
	_, err := s.Head(ctx, other, "mine", "key")
	check("read another's", err, ErrForbidden)
	_, err = s.Head(ctx, account, "nobodys", "key")
	check("read nobody's", err, ErrBucketNotFound)
	_, err = s.Head(ctx, account, "mine", "key")
	check("no object", err, ErrNotFound)
	_, err = s.PutBytes(ctx, account, "mine", strings.Repeat("k", MaxKeyBytes+1), nil, "")
	check("long key", err, ErrKeyTooLong)
	for _, name := range []string{"", "ab", "Upper", "under_score", "192.168.0.1", "a..b", "-a-", "xn--abc", "abc-s3alias", strings.Repeat("a", 64)} {
		check(name, s.Create(ctx, account, "us-east-1", name), ErrBucketName)
	}
	check("tag another's", s.SetTags(ctx, other, "mine", nil), ErrForbidden)
	check("tag", s.SetTags(ctx, account, "mine", map[string]string{"env": "test"}), nil)
	s.mustPut(t, "mine", "key", nil)
	check("not empty", s.Delete(ctx, account, "mine"), ErrNotEmpty)
	check("remove", s.Remove(ctx, account, "mine", "key"), nil)
	check("remove again", s.Remove(ctx, account, "mine", "key"), nil)
	check("delete", s.Delete(ctx, account, "mine"), nil)
	check("delete again", s.Delete(ctx, account, "mine"), ErrBucketNotFound)
	if list := s.List(account); len(list) != 0 {
		t.Errorf("%v", list)
	}
	check("tag none", s.SetTags(ctx, account, "mine", map[string]string{"env": "test"}), ErrBucketNotFound)
	s.mustCreate(t, "mine")
	if page, err := s.Objects(ctx, account, "mine", Query{Limit: 10}); err != nil || len(page.Objects) != 0 {
		t.Errorf("a new bucket holds %v, %v", page, err)
	}
	if tags, err := s.Tags(ctx, account, "mine"); err != nil || len(tags) > 0 {
		t.Errorf("a new bucket has the tags %v, %v", tags, err)
	}
}

func TestLists(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "lists")
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "c", "d/", "d/4", "ü"} {
		s.mustPut(t, "lists", key, []byte(key))
	}
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Limit: 100}, "a b/1 b/2 b/c/3 c d/ d/4 ü |"},
		{Query{Limit: 100, Delimiter: "/"}, "a c ü | b/ d/"},
		{Query{Limit: 100, Prefix: "b/", Delimiter: "/"}, "b/1 b/2 | b/c/"},
		{Query{Limit: 100, Prefix: "b"}, "b/1 b/2 b/c/3 |"},
		{Query{Limit: 100, Prefix: "b", Delimiter: "/"}, "| b/"},
		{Query{Limit: 100, After: "b/2"}, "b/c/3 c d/ d/4 ü |"},
		{Query{Limit: 100, After: "b/", Delimiter: "/"}, "c ü | d/"},
		{Query{Limit: 100, Prefix: "d/", After: "a"}, "d/ d/4 |"},
		{Query{Limit: 2, Delimiter: "/"}, "a | b/ more after b/"},
		{Query{Limit: 2, Delimiter: "/", After: "b/"}, "c | d/ more after d/"},
		{Query{Limit: 2, Delimiter: "/", After: "d/"}, "ü |"},
		{Query{Limit: 8}, "a b/1 b/2 b/c/3 c d/ d/4 ü |"},
		{Query{Limit: 0}, "|"},
		{Query{Limit: 9, Prefix: "x"}, "|"},
	} {
		page, err := s.Objects(ctx, account, "lists", c.q)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, o := range page.Objects {
			words = append(words, o.Key)
		}
		words = append(append(words, "|"), page.Prefixes...)
		if page.More {
			words = append(words, "more after", page.Last)
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
}

func TestUploads(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "parts")
	id, err := s.BeginUpload(ctx, account, "parts", "key", Facts{})
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[int][]byte{1: noise(t, MinPartBytes), 2: noise(t, MinPartBytes+1), 3: noise(t, 10), 7: noise(t, 20)}
	put := func(number int, body []byte, tag string) error {
		return s.PutPart(ctx, account, "parts", "key", id, number, bytes.NewReader(body), func() (Facts, error) { return Facts{ETag: tag}, nil })
	}
	if err := put(2, []byte("replaced"), "old"); err != nil {
		t.Fatal(err)
	}
	for number, body := range bodies {
		if err := put(number, body, "tag"); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(MaxParts+1, nil, ""); !errors.Is(err, ErrPart) {
		t.Error(err)
	}
	complete := func(parts ...Part) error {
		_, err := s.CompleteUpload(ctx, account, "parts", "key", id, parts, Condition{}, func(_ Upload, p []PartInfo) (Facts, error) {
			return Facts{ETag: string(rune('0' + len(p)))}, nil
		})
		return err
	}
	if err := complete(Part{1, "tag"}, Part{2, "old"}); !errors.Is(err, ErrPart) {
		t.Error(err)
	}
	for _, parts := range [][]Part{{{2, "tag"}, {1, "tag"}}, {{3, "tag"}, {1, "tag"}, {2, "tag"}}, {{1, "old"}, {1, "tag"}}} { // also where one is too small, or wrong
		if err := complete(parts...); !errors.Is(err, ErrPartOrder) {
			t.Error(parts, err)
		}
	}
	if err := complete(Part{3, "tag"}, Part{7, "tag"}); !errors.Is(err, ErrPartTooSmall) {
		t.Error(err)
	}
	if err := complete(Part{1, "tag"}, Part{2, "tag"}, Part{3, "tag"}); err != nil {
		t.Fatal(err)
	}
	if err := complete(Part{1, "tag"}); !errors.Is(err, ErrUploadNotFound) {
		t.Error(err)
	}
	if !bytes.Equal(s.mustRead(t, "parts", "key"), slices.Concat(bodies[1], bodies[2], bodies[3])) {
		t.Error("other bytes are read")
	}
	// An upload that is given up, and what was not chosen, is garbage.
	if id, err = s.BeginUpload(ctx, account, "parts", "key", Facts{}); err != nil {
		t.Fatal(err)
	}
	if err := put(1, []byte("x"), "tag"); err != nil {
		t.Fatal(err)
	}
	if err := s.DropUpload(ctx, account, "parts", "key", id); err != nil {
		t.Fatal(err)
	}
	if err := s.sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if objects, garbage := s.blobs(t); len(garbage) != 0 || len(objects) != 5 {
		t.Errorf("%d blobs, %d garbage", len(objects), len(garbage))
	}
}

// TestCrash copies what would be left of the disk at moments while objects are written, replaced and deleted. What was
// acknowledged by then is there as a whole, and after a sweep the store holds the blobs of objects and no others.
func TestCrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := newRoom(t, fs)
	s.mustCreate(t, "crash")
	type moment struct {
		fs   *vfs.MemFS
		want map[string]string
	}
	var moments []moment
	want := map[string]string{}
	note := func() {
		kept := map[string]string{}
		for k, v := range want {
			kept[k] = v
		}
		moments = append(moments, moment{fs.CrashClone(vfs.CrashCloneCfg{}), kept})
	}
	for i := range 6 {
		key := string(rune('a' + i%3))
		body := strings.Repeat(key, 1000+i)
		// In the middle of a write: before the commit the old object is there.
		if _, err := s.Put(t.Context(), account, "crash", key, io.MultiReader(strings.NewReader(body), readerFunc(note)), Condition{}, func() (Facts, error) {
			note()
			return Facts{}, nil
		}); err != nil {
			t.Fatal(err)
		}
		want[key] = body
		note()
		if i == 4 {
			if err := s.Remove(t.Context(), account, "crash", "c"); err != nil {
				t.Fatal(err)
			}
			delete(want, "c")
			note()
		}
	}
	for i, m := range moments {
		room := newRoom(t, m.fs)
		for key, body := range m.want {
			if got := room.mustRead(t, "crash", key); string(got) != body {
				t.Errorf("moment %d: %s has %d bytes", i, key, len(got))
			}
		}
		if err := room.sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		objects, garbage := room.blobs(t)
		dir, err := m.fs.List("/store/blobs")
		if err != nil || len(dir) != len(objects) || len(garbage) != 0 || len(objects) != len(m.want) {
			t.Errorf("moment %d: %d blobs in the store, %d of objects, %d garbage, %v", i, len(dir), len(objects), len(garbage), err)
		}
	}
}

type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) { f(); return 0, io.EOF }

func TestRunSweeps(t *testing.T) {
	s := newRoom(t, nil)
	s.mustCreate(t, "runs")
	s.mustPut(t, "runs", "key", []byte("x"))
	blobs, _ := s.blobs(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if err := s.Remove(t.Context(), account, "runs", "key"); err != nil {
		t.Fatal(err)
	}
	for s.hasBlob(t, blobs[0]) {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestClientsDoNotKeepTheHouseOut: while clients have all the seats and do not go on, another client is refused, and what is
// the house's own is written.
func TestClientsDoNotKeepTheHouseOut(t *testing.T) {
	s, ctx := newRoom(t, nil), t.Context()
	s.mustCreate(t, "seats")
	var clients sync.WaitGroup
	began, more := make(chan struct{}), make(chan struct{})
	for range cap(s.writers) {
		clients.Go(func() {
			body := readerFunc(func() { began <- struct{}{}; <-more })
			if _, err := s.Put(ctx, account, "seats", "client", body, Condition{}, func() (Facts, error) { return Facts{}, nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for range cap(s.writers) {
		<-began
	}
	if _, err := s.Put(ctx, account, "seats", "late", strings.NewReader("x"), Condition{}, func() (Facts, error) { return Facts{}, nil }); !errors.Is(err, ErrBusy) {
		t.Errorf("one client more: %v", err)
	}
	for range 2 * ownWriters {
		clients.Go(func() {
			if _, err := s.PutBytes(ctx, account, "seats", "own", []byte("document"), "text/plain"); err != nil {
				t.Error(err)
			}
		})
	}
	s.mustPut(t, "seats", "own", []byte("document"))
	close(more)
	clients.Wait()
	if len(s.own) != 0 || len(s.writers) != 0 {
		t.Errorf("%d and %d seats are still taken", len(s.own), len(s.writers))
	}
}
