package stream

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestIteratorHasAWSsShape(t *testing.T) {
	r := newRig(t, Config{})
	for _, n := range []int{1, 13, 14, 29, 30, 127, 128} {
		name := strings.Repeat("n", n)
		r.make(name, 1)
		it, err := r.NewIterator(t.Context(), named(name), 0, Start{Type: Latest})
		if err != nil {
			t.Fatal(err)
		}
		data, err := base64.StdEncoding.DecodeString(it)
		if err != nil || !bytes.HasPrefix(data, []byte{0, 0, 0, 0, 0, 0, 0, 1}) || len(data) != 152+16*((n+2)/16) || (len(data)-8)%16 != 0 || len(it) > 512 {
			t.Errorf("name of %d: %d bytes, %d characters", n, len(data), len(it))
		}
	}
}

func TestIteratorFollowsTheShard(t *testing.T) {
	r := newRig(t, Config{})
	st := r.make("s", 1)
	ctx := t.Context()
	r.put("s", "k", "1")
	latest, err := r.NewIterator(ctx, st.Name, 0, Start{Type: Latest})
	if err != nil {
		t.Fatal(err)
	}
	get := func(it string, limit int) Page {
		t.Helper()
		page, err := r.GetRecords(ctx, testAccount, testRegion, it, limit)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	r.put("s", "k", "2") // between the iterator and its use: it must be read
	r.put("s", "k", "3")
	seen := map[string]bool{latest: true}
	it := latest
	var all []string
	for range 5 {
		page := get(it, 1)
		all = append(all, texts(page.Records)...)
		if it = page.Iterator; seen[it] {
			t.Error("an iterator came twice")
		}
		seen[it] = true
	}
	if !slices.Equal(all, []string{"2", "3"}) {
		t.Error(all)
	}
	if got := texts(get(latest, 0).Records); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("the same iterator again: %v", got)
	}
	r.restart()
	if got := texts(get(latest, 0).Records); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("after a restart: %v", got)
	}
	if got := texts(get(`"`+latest+`"`, 0).Records); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("in quotes: %v", got)
	}
	if p := get(latest, 1); p.Name != st.Name || p.Shard.ID() != "shardId-000000000000" || p.Key.Stream != st.Number || p.Children != nil {
		t.Errorf("%+v", p)
	}
}

func TestIteratorThatIsNotOurs(t *testing.T) {
	r := newRig(t, Config{})
	st := r.make("s", 1)
	good, err := r.NewIterator(t.Context(), st.Name, 0, Start{Type: TrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	flip := func(i int) string {
		data, _ := base64.StdEncoding.DecodeString(good)
		data[i] ^= 1
		return base64.StdEncoding.EncodeToString(data)
	}
	foreign := newRig(t, Config{})
	foreign.make("s", 1)
	other, err := foreign.NewIterator(t.Context(), st.Name, 0, Start{Type: TrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.ListAfter(testAccount, testRegion, "s")
	if err != nil {
		t.Fatal(err)
	}
	for name, it := range map[string]string{
		"empty": "", "quote": `"`, "word": "iterator", "cut": good[:len(good)-4], "longer": good + "AAAA", "newline": good[:8] + "\n" + good[8:],
		"url base64": strings.NewReplacer("+", "-", "/", "_").Replace(good) + "=", "first bytes": flip(7), "nonce": flip(8), "payload": flip(40),
		"tag": flip(len(good)/4*3 - 4), "another server's": other, "a page token": page, "half a quote": `"` + good, "two quotes": `""` + good + `""`,
	} {
		if _, err := r.GetRecords(t.Context(), testAccount, testRegion, it, 0); !errors.Is(err, ErrIterator) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, where := range map[string][2]string{"another account": {"999999999999", testRegion}, "another region": {testAccount, "us-east-1"}} {
		if _, err := r.GetRecords(t.Context(), where[0], where[1], good, 0); !errors.Is(err, ErrIterator) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIteratorExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 1)
		it, err := r.NewIterator(t.Context(), st.Name, 0, Start{Type: TrimHorizon})
		if err != nil {
			t.Fatal(err)
		}
		issued := r.clock.Now()
		get := func() error { _, err := r.GetRecords(t.Context(), testAccount, testRegion, it, 0); return err }
		if err := get(); err != nil {
			t.Errorf("in the same moment: %v", err)
		}
		clock.swing(-time.Millisecond)
		if err := get(); !errors.Is(err, ErrIterator) {
			t.Errorf("from the future: %v", err)
		}
		clock.swing(time.Millisecond + 300*time.Second)
		if err := get(); err != nil {
			t.Errorf("after exactly 300 s: %v", err)
		}
		clock.swing(time.Millisecond)
		expired, ok := errors.AsType[*ExpiredIteratorError](get())
		if !ok || !expired.Created.Equal(issued.Truncate(time.Millisecond)) || !expired.Now.Equal(r.clock.Now()) {
			t.Errorf("after a millisecond more: %+v", expired)
		}
		// The next iterator's life begins when it is given.
		clock.swing(-100 * time.Second)
		page, err := r.GetRecords(t.Context(), testAccount, testRegion, it, 0)
		if err != nil {
			t.Fatal(err)
		}
		clock.swing(250 * time.Second)
		if _, err := r.GetRecords(t.Context(), testAccount, testRegion, page.Iterator, 0); err != nil {
			t.Errorf("the next iterator: %v", err)
		}
		// Expiry is judged before the stream.
		if err := r.Delete(t.Context(), st.Name); err != nil {
			t.Fatal(err)
		}
		if err := get(); !errors.As(err, new(*ExpiredIteratorError)) {
			t.Errorf("of a deleted stream: %v", err)
		}
		r.stop()
	})
}

func TestSeekErrors(t *testing.T) {
	r := newRig(t, Config{})
	st := r.make("s", 20)
	number := func(o Origin) Start { return Start{Type: AtSequenceNumber, SequenceNumber: encodeSequence(o)} }
	ours := Origin{Creation: st.Created.Unix(), Position: 9, Time: st.Created.Unix(), Shard: 3}
	other, negative, earlier := ours, ours, ours
	other.Shard, negative.Shard, earlier.Creation = 4, -1<<31, 5
	ancient, err := ParseSequenceNumber("3")
	if err != nil {
		t.Fatal(err)
	}
	future := r.clock.Now().Add(time.Minute)
	for name, c := range map[string]struct {
		start Start
		want  func(error) bool
	}{
		"ours": {number(ours), func(err error) bool { return err == nil }},
		"another shard": {number(other), func(err error) bool {
			e, ok := errors.AsType[*OtherShardError](err)
			return ok && *e == OtherShardError{4, 3}
		}},
		"negative shard": {number(negative), func(err error) bool { return errors.As(err, new(*OtherShardError)) }},
		"another stream": {number(earlier), func(err error) bool { return errors.Is(err, ErrOtherStream) }},
		"version 0":      {Start{Type: AfterSequenceNumber, SequenceNumber: ancient}, func(err error) bool { return errors.Is(err, ErrAncientSequenceNumber) }},
		"no number":      {Start{Type: AfterSequenceNumber}, func(err error) bool { return errors.Is(err, ErrStart) }},
		"no type":        {Start{}, func(err error) bool { return errors.Is(err, ErrStart) }},
		"the future": {Start{Type: AtTimestamp, Timestamp: future}, func(err error) bool {
			e, ok := errors.AsType[*FutureTimestampError](err)
			return ok && e.Timestamp.Equal(future)
		}},
		"long ago": {Start{Type: AtTimestamp, Timestamp: time.Unix(1, 0)}, func(err error) bool { return err == nil }},
	} {
		if _, err := r.Seek(t.Context(), ShardKey{st.Number, 3}, c.start); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"s", "none"} {
		_, err := r.NewIterator(t.Context(), named(name), 20, Start{Type: Latest})
		if e, ok := errors.AsType[*ShardNotFoundError](err); !ok || *e != (ShardNotFoundError{named(name), 20}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckOrdering(t *testing.T) {
	r := newRig(t, Config{})
	sh := shardCreated(0, 1)
	now := r.clock.Now()
	for number, good := range map[string]bool{
		sh.SequenceNumber(9, now).String(): true, sh.SequenceNumber(9, now.Add(time.Hour)).String(): false, "5": true, "x": false, "": false,
	} {
		if err := r.CheckOrdering(number); (err == nil) != good {
			t.Errorf("%s: %v", number, err)
		}
	}
}

// FuzzIterator takes anything for an iterator: only what was sealed opens.
func FuzzIterator(f *testing.F) {
	s, err := newSealer(make([]byte, sealKeyBytes))
	if err != nil {
		f.Fatal(err)
	}
	made := iterator{key: ShardKey{7, 3}, after: 99, issued: time.UnixMilli(1_700_000_000_000).UTC(), name: "orders"}
	good := made.seal(s, testAccount, testRegion)
	f.Add(good, []byte{1})
	f.Add(`"`+good+`"`, make([]byte, 200))
	f.Add("AAAAAAAAAAE=", []byte{})
	f.Fuzz(func(t *testing.T, text string, payload []byte) {
		if it, ok := openIterator(s, testAccount, testRegion, text); ok && it != made {
			t.Errorf("%q opened as %+v", text, it)
		}
		// Even a payload of our own making that holds anything at all must be taken calmly.
		openIterator(s, testAccount, testRegion, s.seal(iteratorContext(testAccount, testRegion), payload, 0))
	})
}
