package stream

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// grown is a stream of six shards: 0 was split into 2 and 3 at minute 60, 1 and 2 were merged into 4 at minute 120,
// and 5 is made up to be open from minute 180. The stream keeps records for 24 hours.
func grown(t0 time.Time) Stream {
	minute := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Minute) }
	shard := func(index uint32, parent, adjacent int64, created, closed int) Shard {
		sh := Shard{Index: index, Parent: parent, AdjacentParent: adjacent, Created: minute(created)}
		if closed > 0 {
			sh.Closed = minute(closed)
		}
		return sh
	}
	return Stream{Created: t0, Retention: 24 * time.Hour, closed: true, Shards: []Shard{
		shard(0, -1, -1, 0, 60), shard(1, -1, -1, 0, 120), shard(2, 0, -1, 60, 120), shard(3, 0, -1, 60, 0), shard(4, 1, 2, 120, 0), shard(5, 3, -1, 180, 0),
	}}
}

func TestSelectShards(t *testing.T) {
	t0 := time.Unix(1700000000, 0)
	at := func(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }
	const day = 24 * 60
	for _, c := range []struct {
		filter ShardFilter
		now    int
		want   string
	}{
		{ShardFilter{}, 200, "012345"},
		{ShardFilter{Type: FromTrimHorizon}, 200, "012345"},
		{ShardFilter{Type: AfterShardID, After: 2}, 200, "345"},
		{ShardFilter{Type: AfterShardID, After: 9}, 200, ""},
		{ShardFilter{Type: AtTrimHorizon}, 200, "01"},
		{ShardFilter{Type: AtTrimHorizon}, day + 90, "123"}, // the horizon lies at minute 90
		{ShardFilter{Type: FromTrimHorizon}, day + 90, "12345"},
		{ShardFilter{}, day + 60, "012345"}, // 0 ended just at the horizon
		{ShardFilter{}, day + 61, "12345"},
		{ShardFilter{}, day + 121, "345"},
		{ShardFilter{Type: AtLatest}, 200, "345"},
		{ShardFilter{Type: AtTime, Timestamp: at(30)}, 200, "01"},
		{ShardFilter{Type: AtTime, Timestamp: at(60)}, 200, "0123"}, // both ends count
		{ShardFilter{Type: AtTime, Timestamp: at(100)}, 200, "123"},
		{ShardFilter{Type: AtTime, Timestamp: at(200)}, 200, "345"},
		{ShardFilter{Type: AtTime, Timestamp: at(-500)}, 200, "01"},       // before the creation
		{ShardFilter{Type: AtTime, Timestamp: at(10)}, day + 90, "123"},   // before the horizon
		{ShardFilter{Type: FromTime, Timestamp: at(30)}, 200, "012345"},   //
		{ShardFilter{Type: FromTime, Timestamp: at(100)}, 200, "12345"},   //
		{ShardFilter{Type: FromTime, Timestamp: at(130)}, 200, "345"},     //
		{ShardFilter{Type: FromTime, Timestamp: at(-500)}, 200, "012345"}, //
	} {
		shards, err := grown(t0).Select(c.filter, at(c.now))
		got := ""
		for _, sh := range shards {
			got += fmt.Sprint(sh.Index)
		}
		if err != nil || got != c.want {
			t.Errorf("%+v at minute %d: %s, want %s (%v)", c.filter, c.now, got, c.want, err)
		}
	}
	for _, kind := range []FilterType{AtTime, FromTime} {
		if _, err := grown(t0).Select(ShardFilter{Type: kind, Timestamp: at(201)}, at(200)); !errors.As(err, new(*FutureTimestampError)) {
			t.Errorf("%s in the future: %v", kind, err)
		}
	}
	if _, err := grown(t0).Select(ShardFilter{Type: "SOME"}, at(200)); !errors.Is(err, ErrFilter) {
		t.Error(err)
	}
}

func TestListShardsInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		st := r.make("s", 25)
		ctx := t.Context()
		query := ShardQuery{Name: st.Name, Filter: ShardFilter{Type: AfterShardID, After: 4}}
		shards, token, err := r.ListShards(ctx, query, 8)
		pages := fmt.Sprint(len(shards))
		first := token
		for err == nil && token != "" {
			var more []Shard
			more, token, err = r.MoreShards(ctx, testAccount, testRegion, token, 8)
			shards = append(shards, more...)
			pages += fmt.Sprint(" ", len(more))
		}
		if err != nil || pages != "8 8 4" || len(shards) != 20 {
			t.Fatalf("pages of %s: %v", pages, err)
		}
		for i, sh := range shards {
			if sh.Index != uint32(5+i) {
				t.Errorf("shard %d in place %d", sh.Index, i)
			}
		}
		after := uint32(20)
		if shards, token, err := r.ListShards(ctx, ShardQuery{Name: st.Name, After: &after, Created: st.Created}, 1000); err != nil || len(shards) != 4 || token != "" {
			t.Errorf("%d shards, %q, %v", len(shards), token, err)
		}
		if _, _, err := r.ListShards(ctx, ShardQuery{Name: st.Name, Created: st.Created.Add(time.Second)}, 1000); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("another creation: %v", err)
		}
		for _, bad := range []string{"", "x", first[1:], first + "AAAA"} {
			if _, _, err := r.MoreShards(ctx, testAccount, testRegion, bad, 8); !errors.Is(err, ErrPageToken) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if _, err := r.ListFrom(testAccount, testRegion, first); !errors.Is(err, ErrPageToken) {
			t.Errorf("a token of shards for streams: %v", err)
		}
		clock.swing(300 * time.Second)
		if _, _, err := r.MoreShards(ctx, testAccount, testRegion, first, 8); err != nil {
			t.Errorf("after exactly 300 s: %v", err)
		}
		clock.swing(time.Millisecond)
		if _, _, err := r.MoreShards(ctx, testAccount, testRegion, first, 8); !errors.Is(err, ErrExpiredPageToken) {
			t.Errorf("after a millisecond more: %v", err)
		}
		clock.swing(-time.Minute)
		if err := r.Delete(ctx, st.Name); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.make("s", 25)
		if _, _, err := r.MoreShards(ctx, testAccount, testRegion, first, 8); !errors.As(err, new(*NotFoundError)) {
			t.Errorf("of another incarnation: %v", err)
		}
		token, err = r.ListAfter(testAccount, testRegion, "orders")
		if err != nil {
			t.Fatal(err)
		}
		if name, err := r.ListFrom(testAccount, testRegion, token); err != nil || name != "orders" {
			t.Errorf("%q, %v", name, err)
		}
		r.stop()
	})
}

// FuzzPageToken takes anything for a token, and anything that was sealed for its payload: only what was sealed opens, and
// neither is the end of anybody.
func FuzzPageToken(f *testing.F) {
	r := newRig(f, Config{})
	made, err := r.ListAfter(testAccount, testRegion, "orders")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(made, []byte(`{"issued":1,"page":{"stream":"s","number":1,"filter":{"type":"AT_TIMESTAMP","timestamp":"2026-01-01T00:00:00Z"},"after":4294967295}}`))
	f.Add(`"`+made+`"`, []byte(`{"issued":9223372036854775807,"page":null}`))
	f.Add("AAAAAAAAAAE=", []byte("{}"))
	f.Fuzz(func(t *testing.T, token string, payload []byte) {
		if name, err := r.ListFrom(testAccount, testRegion, token); err == nil && name != "orders" || err != nil && !errors.Is(err, ErrPageToken) && !errors.Is(err, ErrExpiredPageToken) {
			t.Errorf("%q opened as %q, %v", token, name, err)
		}
		for _, kind := range []string{"streams", "shards", "consumers"} {
			sealed := r.sealer.seal(pageContext(kind, testAccount, testRegion), bytes.Clone(payload), 0)
			if _, err := r.ListFrom(testAccount, testRegion, sealed); err == nil && kind != "streams" {
				t.Errorf("a token of %s opened as one of streams", kind)
			}
			if _, _, err := r.MoreShards(t.Context(), testAccount, testRegion, sealed, 1); err == nil {
				t.Errorf("%q listed the shards of no stream", payload)
			}
			if _, _, err := r.ListConsumers(t.Context(), named("s"), time.Time{}, sealed, 1); err == nil {
				t.Errorf("%q listed the consumers of no stream", payload)
			}
		}
	})
}
