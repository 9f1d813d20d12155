package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// shape shows shards: the index, who it came from, and whether it is closed.
func shape(shards []Shard) string {
	var all []string
	for _, sh := range shards {
		text := fmt.Sprint(sh.Index)
		if sh.Parent != NoParent {
			text += fmt.Sprint("<", sh.Parent)
		}
		if sh.AdjacentParent != NoParent {
			text += fmt.Sprint("+", sh.AdjacentParent)
		}
		if !sh.Open() {
			text += "x"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// checkCover fails the test unless the open shards cover the hash space, every key once.
func checkCover(t *testing.T, shards []Shard) {
	t.Helper()
	r := reshaping{shards: shards}
	next := Hash{}
	open := r.open()
	for n, i := range open {
		span := shards[i].Range
		if span.Start != next || span.End.Compare(span.Start) < 0 {
			t.Fatalf("shard %d begins with %s, not with %s", shards[i].Index, span.Start, next)
		}
		if n == len(open)-1 {
			if span.End != maxHash {
				t.Fatalf("the last shard ends with %s", span.End)
			}
			return
		}
		next = span.End.after()
	}
	t.Fatal("no shard is open")
}

func TestMiddleOfARange(t *testing.T) {
	key := func(s string) Hash {
		h, err := ParseHash(s)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	for _, c := range []struct{ start, end, want string }{
		{"0", "340282366920938463463374607431768211455", "170141183460469231731687303715884105728"},
		{"170141183460469231731687303715884105728", "340282366920938463463374607431768211455", "255211775190703847597530955573826158592"},
		{"0", "1", "1"},
		{"0", "2", "2"},
		{"10", "13", "12"},
		{"18446744073709551615", "18446744073709551616", "18446744073709551616"}, // 2^64-1 and 2^64
		{"340282366920938463463374607431768211454", "340282366920938463463374607431768211455", "340282366920938463463374607431768211455"},
	} {
		got, ok := HashRange{key(c.start), key(c.end)}.middle()
		if !ok || got.String() != c.want {
			t.Errorf("middle of %s to %s is %s, want %s", c.start, c.end, got, c.want)
		}
		if got.before().after() != got {
			t.Errorf("neighbours of %s: %s, %s", got, got.before(), got.before().after())
		}
	}
	if at, ok := (HashRange{key("7"), key("7")}).middle(); ok {
		t.Errorf("one key is cut at %s", at)
	}
}

// TestResizeTotals has the numbers of shards, open and closed, that were seen in AWS.
func TestResizeTotals(t *testing.T) {
	t0 := time.Unix(1700000000, 0)
	for _, c := range []struct{ from, to, total int }{
		{2, 4, 6},
		{4, 5, 15},
		{10, 13, 37},
		{4, 2, 6},
		{5, 3, 7},
		{10, 3, 17},
		{1, 2, 3},
		{2, 1, 3},
		{3, 3, 3},
	} {
		change := change{ShardCount: c.to}
		shards := change.reshape(initialShards(c.from, t0), t0.Add(time.Hour))
		open := 0
		for _, sh := range shards {
			if sh.Open() {
				open++
			}
		}
		if open != c.to || len(shards) != c.total {
			t.Errorf("%d to %d: %d open of %d, want %d", c.from, c.to, open, len(shards), c.total)
		}
		checkCover(t, shards)
		for i, sh := range shards {
			if sh.Index != uint32(i) {
				t.Errorf("shard %d in place %d", sh.Index, i)
			}
		}
	}
}

func TestResizeShape(t *testing.T) {
	t0 := time.Unix(1700000000, 0)
	for _, c := range []struct {
		from, to int
		want     string
	}{
		{2, 4, "0x 1x 2<0 3<0 4<1 5<1"},
		{2, 3, "0x 1x 2<0x 3<0x 4<1 5<1 6<2+3"},
		{4, 2, "0x 1x 2x 3x 4<0+1 5<2+3"},
		{5, 3, "0x 1x 2x 3x 4 5<0+1 6<2+3"},
		{5, 2, "0x 1x 2x 3x 4 5<0+1x 6<2+3x 7<5+6"},
	} {
		change := change{ShardCount: c.to}
		shards := change.reshape(initialShards(c.from, t0), t0.Add(time.Hour))
		if got := shape(shards); got != c.want {
			t.Errorf("%d to %d: %s, want %s", c.from, c.to, got, c.want)
		}
		for _, sh := range shards {
			for _, parent := range []int64{sh.Parent, sh.AdjacentParent} {
				if parent != NoParent && sh.Created.Before(shards[parent].Closed.Add(time.Second)) {
					t.Errorf("%d to %d: shard %d was created at %s, its parent closed at %s", c.from, c.to, sh.Index, sh.Created, shards[parent].Closed)
				}
			}
			if !sh.Open() && sh.Closed.Before(sh.Created) {
				t.Errorf("%d to %d: shard %d was closed before it was created", c.from, c.to, sh.Index)
			}
		}
		even := initialShards(c.to, t0)
		if doubled := c.to == 2*c.from || 2*c.to == c.from; doubled {
			r := reshaping{shards: shards}
			for i, at := range r.open() {
				if shards[at].Range != even[i].Range {
					t.Errorf("%d to %d: range %d is not even", c.from, c.to, i)
				}
			}
		}
	}
}

// TestReshapeAtRandom changes shards again and again: the open ones always cover the hash space, also when they are as
// small as can be.
func TestReshapeAtRandom(t *testing.T) {
	t0 := time.Unix(1700000000, 0)
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		st := Stream{Shards: initialShards(1+rng.IntN(6), t0)}
		for step := range 60 {
			r := reshaping{shards: st.Shards}
			open := r.open()
			var c change
			switch i := rng.IntN(len(open)); rng.IntN(3) {
			case 0:
				span := st.Shards[open[i]].Range
				at, ok := span.middle()
				if rng.IntN(2) == 0 { // as narrow as it may be
					at = span.Start.after().after()
				}
				if !ok || at.Compare(span.End) >= 0 {
					continue
				}
				c.Splits = []split{{Shard: st.Shards[open[i]].Index, At: storedHash(at)}}
			case 1:
				if i == len(open)-1 {
					continue
				}
				c.Merges = []merge{{Shard: st.Shards[open[i]].Index, Adjacent: st.Shards[open[i+1]].Index}}
			default:
				c.ShardCount = (len(open)+1)/2 + rng.IntN(min(2*len(open), 40)-(len(open)+1)/2+1)
			}
			want := c.opensAfter(&st)
			before := st.Shards
			st.Shards = c.reshape(before, t0.Add(time.Duration(step)*time.Minute))
			checkCover(t, st.Shards)
			if st.OpenShards() != want {
				t.Fatalf("seed %d: %+v leaves %d open, want %d", seed, c, st.OpenShards(), want)
			}
			for i, sh := range before {
				if now := st.Shards[i]; !sh.Open() && now != sh || now.Range != sh.Range || now.Created != sh.Created {
					t.Fatalf("seed %d: %+v became %+v", seed, sh, now)
				}
			}
		}
	}
}
