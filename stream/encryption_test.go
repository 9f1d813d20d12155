package stream

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/store"
)

// stored returns all that the store holds of a shard, as it lies there.
func (r *rig) stored(key ShardKey) []byte {
	r.t.Helper()
	var all []byte
	for b, err := range r.hooks.Store.ReadBlocks(r.t.Context(), key.log(), 0) {
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, b.Data...)
	}
	return all
}

func encrypted(records []Record) (list []bool) {
	for _, r := range records {
		list = append(list, r.Encrypted)
	}
	return list
}

func TestEncryptionOfRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second, TailBytes: 1}) // so that all is read from the store
		ctx, name := t.Context(), named("s")
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		key := ShardKey{r.describe("s").Number, 0}
		puts := []Put{r.put("s", "key-in-clear", "data-in-clear")}
		if err := r.StartEncryption(ctx, name, "alias/mine"); err != nil {
			t.Fatal(err)
		}
		puts = append(puts, r.put("s", "key-on-the-way", "data-on-the-way"))
		if st := r.describe("s"); st.Status != StatusUpdating || st.KeyID != "" {
			t.Errorf("%+v", st)
		}
		r.pass(time.Second)
		if st := r.describe("s"); st.Status != StatusActive || st.KeyID != "alias/mine" {
			t.Errorf("%+v", st)
		}
		during := r.clock.Now()
		puts = append(puts, r.put("s", "key-hidden", "data-hidden"))
		r.restart() // the new service has the key from the store
		puts = append(puts, r.put("s", "key-secret", "data-secret"))
		if err := r.StopEncryption(ctx, name); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		puts = append(puts, r.put("s", "key-again-in-clear", "data-again-in-clear"))
		if st := r.describe("s"); st.KeyID != "" {
			t.Errorf("%+v", st)
		}

		want := []bool{false, false, true, true, false}
		check := func(when string) {
			t.Helper()
			found, _ := r.drain(key, 0, 10)
			if !slices.Equal(texts(found), []string{"data-in-clear", "data-on-the-way", "data-hidden", "data-secret", "data-again-in-clear"}) ||
				!slices.Equal(encrypted(found), want) {
				t.Errorf("%s: %q, encrypted %v", when, texts(found), encrypted(found))
			}
			at, err := r.Seek(ctx, key, Start{Type: AtTimestamp, Timestamp: during})
			if err != nil {
				t.Fatal(err)
			}
			if found, _ := r.drain(key, at, 1); len(found) != 3 || found[0].PartitionKey != "key-hidden" {
				t.Errorf("%s, by time: %q", when, texts(found))
			}
		}
		check("before a restart")
		r.restart()
		check("after one")
		for i, p := range puts {
			if p.Encrypted != want[i] {
				t.Errorf("put %d says that it is encrypted: %t", i, p.Encrypted)
			}
		}
		stored := r.stored(key)
		for _, text := range []string{"data-hidden", "key-hidden", "data-secret", "key-secret"} {
			if bytes.Contains(stored, []byte(text)) {
				t.Errorf("%q lies in the store in clear", text)
			}
		}
		for _, text := range []string{"data-in-clear", "key-on-the-way", "data-again-in-clear"} {
			if !bytes.Contains(stored, []byte(text)) {
				t.Errorf("%q is not in the store: the test looks at the wrong place", text)
			}
		}
		r.stop()
	})
}

// TestEncryptionAtTheTip reads from the tail, where blocks never were encrypted.
func TestEncryptionAtTheTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		st := r.make("s", 1)
		if err := r.StartEncryption(t.Context(), named("s"), "k"); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusActive)
		r.put("s", "a", "x")
		if found, _ := r.drain(ShardKey{st.Number, 0}, 0, 10); !slices.Equal(encrypted(found), []bool{true}) {
			t.Errorf("%+v", found)
		}
		r.stop()
	})
}

func TestEncryptionIsStartedNotTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		r.make("s", 1)
		start := func() error {
			t.Helper()
			err := r.StartEncryption(t.Context(), named("s"), "k")
			r.expect("s", StatusActive)
			return err
		}
		for i := range maxEncryptionChanges {
			if err := start(); err != nil {
				t.Fatalf("start %d: %v", i, err)
			}
			if i == 0 {
				clock.swing(time.Hour)
			}
		}
		if limit, ok := errors.AsType[*RequestLimitError](start()); !ok || limit.Limit != 25 {
			t.Errorf("one too many: %v", limit)
		}
		r.restart()
		if err := start(); !errors.As(err, new(*RequestLimitError)) {
			t.Errorf("after a restart: %v", err)
		}
		for i := range maxEncryptionChanges + 1 { // stops are counted for themselves
			err := r.StopEncryption(t.Context(), named("s"))
			if last := i == maxEncryptionChanges; errors.As(err, new(*RequestLimitError)) != last || err != nil && !last {
				t.Errorf("stop %d: %v", i, err)
			}
			r.expect("s", StatusActive)
		}
		clock.swing(23 * time.Hour)
		if err := start(); err != nil {
			t.Errorf("a day after the first: %v", err)
		}
		if err := start(); !errors.As(err, new(*RequestLimitError)) {
			t.Errorf("the others count on: %v", err)
		}
		r.stop()
	})
}

// TestEncryptionWithoutItsKey reads what another stream's key was used for: an error that names the block.
func TestEncryptionWithoutItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TailBytes: 1})
		st := r.make("s", 1)
		if err := r.StartEncryption(t.Context(), named("s"), "k"); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusActive)
		r.put("s", "a", "x")
		err := r.edit(t.Context(), named("s"), func(next *live) error { next.secret = make([]byte, secretBytes); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(t.Context(), ShardKey{st.Number, 0}, 0, 1, 1); !errors.Is(err, store.ErrCorrupt) {
			t.Error(err)
		}
		r.stop()
	})
}

// TestEncryptionOfChildren splits a shard of a stream that encrypts.
func TestEncryptionOfChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TailBytes: 1})
		ctx, name := t.Context(), named("s")
		number := r.make("s", 1).Number
		if err := r.StartEncryption(ctx, name, "k"); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusActive)
		if _, err := r.UpdateShardCount(ctx, name, 2); err != nil {
			t.Fatal(err)
		}
		r.expect("s", StatusActive)
		for _, restarted := range []bool{false, true} {
			for _, key := range []string{"a", "b"} { // one for each child
				if p := r.put("s", key, "hidden"); !p.Encrypted || p.Shard == 0 {
					t.Errorf("restarted %t: %+v", restarted, p)
				}
			}
			for i := range uint32(2) {
				key := ShardKey{number, i + 1}
				if found, _ := r.drain(key, 0, 10); slices.Contains(encrypted(found), false) || len(found) == 0 || bytes.Contains(r.stored(key), []byte("hidden")) {
					t.Errorf("restarted %t, shard %d: %+v", restarted, key.Index, found)
				}
			}
			r.restart()
		}
		r.stop()
	})
}
