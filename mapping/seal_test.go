package mapping

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/store"
)

// stored returns what the store has of all mappings, as text.
func (w *world) stored(table string) string {
	w.t.Helper()
	var all []byte
	for e, err := range w.tables.Scan(context.Background(), table, "", "") {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e.Value...)
	}
	return string(all)
}

// TestFiltersAreSealed: the row of a mapping with a key does not tell what it filters for, whatever is changed, and the
// filters are there again after a crash. Without the key the row says it; without the mapping there is no secret.
// Facts: 1.2.20.
func TestFiltersAreSealed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		patterns := []string{`{"data":{"diagnosis":["hidden"]}}`}
		m, err := w.create("charge", func(in *CreateInput) {
			in.Settings.Filters, in.Settings.KMSKey = patterns, "arn:aws:kms:eu-west-1:123456789012:key/1"
		})
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when string, sealed bool) {
			t.Helper()
			synctest.Wait()
			w.crash()
			row, secret := w.stored("mappings"), w.stored("mapping-secrets")
			if bytes.Contains([]byte(row), []byte("hidden")) == sealed || (secret != "") != sealed {
				t.Errorf("%s the store has %q and a secret of %d bytes", when, row, len(secret))
			}
			w.start()
			synctest.Wait()
			got, err := w.service.Get(testAccount, testRegion, m.UUID)
			if err != nil || !slices.Equal(got.Settings.Filters, patterns) {
				t.Errorf("%s: %q %v", when, got.Settings.Filters, err)
			}
		}
		change := func(c Change) {
			t.Helper()
			if _, err := w.service.Update(context.Background(), testAccount, testRegion, m.UUID, c); err != nil {
				t.Fatal(err)
			}
		}
		expect("created", true)
		first := w.stored("mapping-secrets")
		change(Change{BatchSize: new(7)})
		expect("with another setting", true)
		if w.stored("mapping-secrets") == first {
			t.Error("a secret is used twice")
		}
		change(Change{KMSKey: new("")})
		expect("without the key", false)
		change(Change{KMSKey: new("arn:aws:kms:eu-west-1:123456789012:key/2")})
		expect("with another key", true)
		if _, err := w.service.Delete(context.Background(), testAccount, testRegion, m.UUID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if left := w.stored("mapping-secrets"); left != "" {
			t.Error("the secret of a mapping that is gone is still there")
		}
	})
}

// TestLostSecret: a service does not begin with filters that it cannot read, since it would pass over nothing.
func TestLostSecret(t *testing.T) {
	for name, with := range map[string]store.Write{
		"none":      {Delete: true},
		"another":   {Value: []byte("\x01" + `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="`)},
		"too short": {Value: []byte("\x01" + `"AAAA"`)},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			m, err := w.create("charge", func(in *CreateInput) {
				in.Settings.Filters, in.Settings.KMSKey = []string{`{"data":{"a":[1]}}`}, "arn:aws:kms:eu-west-1:123456789012:key/1"
			})
			if err != nil {
				t.Fatal(err)
			}
			w.stop()
			with.Table, with.Key = "mapping-secrets", m.UUID
			if err := w.tables.Commit(context.Background(), with); err != nil {
				t.Fatal(err)
			}
			c := w.service.config
			c.Store = w.tables
			if _, err := New(c); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}
