package bucket

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/storetest"
)

// doubting runs a test with a room whose store can be put in doubt, once for each fate.
func doubting(t *testing.T, test func(t *testing.T, s *Service, d *storetest.Doubtful, fate storetest.Fate)) {
	t.Helper()
	for _, fate := range storetest.Fates {
		t.Run(fate.String(), func(t *testing.T) {
			engine, err := disk.Open(disk.Options{Memory: true, ReserveBytes: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close()
			d := &storetest.Doubtful{Store: engine}
			s, err := New(t.Context(), Config{Store: d, Clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))})
			if err != nil {
				t.Fatal(err)
			}
			test(t, s, d, fate)
			if !d.Done() {
				t.Error("nothing came to be in doubt")
			}
		})
	}
}

func inDoubt(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, storetest.ErrDoubt) {
		t.Fatalf("not in doubt: %v", err)
	}
}

// Whether there is a bucket is known before anything is put into it, so that no object is put into one that is gone.
func TestBucketInDoubt(t *testing.T) {
	doubting(t, func(t *testing.T, s *Service, d *storetest.Doubtful, fate storetest.Fate) {
		s.mustCreate(t, "failures")
		d.Doubt(tableBuckets, fate)
		inDoubt(t, s.Delete(t.Context(), account, "failures"))
		_, err := s.PutBytes(t.Context(), account, "failures", "a", []byte("a"), "")
		if want := fate != storetest.Never; errors.Is(err, ErrBucketNotFound) != want || !want && err != nil {
			t.Errorf("put: %v", err)
		}
		again, err := New(t.Context(), Config{Store: d, Clock: s.clock})
		if err != nil {
			t.Fatal(err)
		}
		if before, after := len(s.List(account)), len(again.List(account)); before != after {
			t.Errorf("%d buckets, and after a restart %d", before, after)
		}
	})
	doubting(t, func(t *testing.T, s *Service, d *storetest.Doubtful, fate storetest.Fate) {
		d.Doubt(tableBuckets, fate)
		inDoubt(t, s.Create(t.Context(), account, "us-east-1", "failures"))
		if err := s.certain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(s.List(account)); (n == 1) != (fate != storetest.Never) {
			t.Errorf("%d buckets", n)
		}
	})
}

// Tags whose write is in doubt are asked for when it is known what became of them.
func TestTagsInDoubt(t *testing.T) {
	doubting(t, func(t *testing.T, s *Service, d *storetest.Doubtful, fate storetest.Fate) {
		s.mustCreate(t, "failures")
		d.Doubt(tableBuckets, fate)
		inDoubt(t, s.SetTags(t.Context(), account, "failures", map[string]string{"env": "test"}))
		tags, err := s.Tags(t.Context(), account, "failures")
		if err != nil || (tags["env"] == "test") != (fate != storetest.Never) {
			t.Errorf("tags are %v: %v", tags, err)
		}
		if err := s.Delete(t.Context(), account, "failures"); err != nil {
			t.Error(err)
		}
	})
}

// An object whose write is in doubt is whole when it comes to be, and the one before it until then.
func TestObjectInDoubt(t *testing.T) {
	doubting(t, func(t *testing.T, s *Service, d *storetest.Doubtful, fate storetest.Fate) {
		s.mustCreate(t, "failures")
		before, after := noise(t, 100), noise(t, 200)
		s.mustPut(t, "failures", "a", before)
		d.Doubt(tableObjects, fate)
		_, err := s.PutBytes(t.Context(), account, "failures", "a", after, "")
		inDoubt(t, err)
		for range 2 {
			if err := s.sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := s.mustRead(t, "failures", "a")
			if !bytes.Equal(got, before) && !bytes.Equal(got, after) {
				t.Error("the object is neither what it was nor what was written")
			}
			if err := s.certain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.mustRead(t, "failures", "a"); bytes.Equal(got, after) != (fate != storetest.Never) {
			t.Errorf("an object of %d bytes", len(got))
		}
		if err := s.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, garbage := s.blobs(t); len(garbage) > 0 || len(s.doubted) > 0 {
			t.Errorf("left over: %v, %v", garbage, s.doubted)
		}
	})
}

// So is a part.
func TestPartInDoubt(t *testing.T) {
	doubting(t, func(t *testing.T, s *Service, d *storetest.Doubtful, fate storetest.Fate) {
		s.mustCreate(t, "failures")
		id, err := s.BeginUpload(t.Context(), account, "failures", "a", Facts{})
		if err != nil {
			t.Fatal(err)
		}
		seal := func() (Facts, error) { return Facts{ETag: "x"}, nil }
		body := noise(t, 100)
		d.Doubt(tableParts, fate)
		inDoubt(t, s.PutPart(t.Context(), account, "failures", "a", id, 1, bytes.NewReader(body), seal))
		if err := s.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if fate == storetest.Never {
			if err := s.PutPart(t.Context(), account, "failures", "a", id, 1, bytes.NewReader(body), seal); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.certain(t.Context()); err != nil {
			t.Fatal(err)
		}
		sealAll := func(Upload, []PartInfo) (Facts, error) { return Facts{ETag: "y"}, nil }
		if _, err := s.CompleteUpload(t.Context(), account, "failures", "a", id, []Part{{1, "x"}}, Condition{}, sealAll); err != nil {
			t.Fatal(err)
		}
		if got := s.mustRead(t, "failures", "a"); !bytes.Equal(got, body) {
			t.Error("another object")
		}
	})
}
