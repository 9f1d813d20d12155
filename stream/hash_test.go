package stream

import (
	"math/big"
	"math/rand/v2"
	"regexp"
	"testing"
)

func TestHashOfPartitionKeys(t *testing.T) {
	// Keys, their hashes, and the shards they go to in streams of 2, 3 and 4 shards: recorded from AWS.
	for _, c := range []struct {
		key, hash              string
		ofTwo, ofThree, ofFour int
	}{
		{"a", "16955237001963240173058271559858726497", 0, 0, 0},
		{"b", "195289424170611159128911017612795795343", 1, 1, 2},
		{"e", "299611584147932843547128611849858313266", 1, 2, 3},
		{"f", "190917122200326810055233066464581373159", 1, 1, 2},
	} {
		if got := HashOf(c.key).String(); got != c.hash {
			t.Errorf("HashOf(%q) = %s, want %s", c.key, got, c.hash)
		}
		for n, want := range map[int]int{2: c.ofTwo, 3: c.ofThree, 4: c.ofFour} {
			for i, r := range evenRanges(n) {
				if got := r.Contains(HashOf(c.key)); got != (i == want) {
					t.Errorf("%d shards: %q in shard %d: %v", n, c.key, i, got)
				}
			}
		}
	}
}

func TestEvenRanges(t *testing.T) {
	const end = "340282366920938463463374607431768211455"
	for _, c := range []struct {
		n    int
		want [][2]string
	}{
		{1, [][2]string{{"0", end}}},
		{2, [][2]string{{"0", "170141183460469231731687303715884105727"}, {"170141183460469231731687303715884105728", end}}},
		{3, [][2]string{
			{"0", "113427455640312821154458202477256070484"},
			{"113427455640312821154458202477256070485", "226854911280625642308916404954512140969"},
			{"226854911280625642308916404954512140970", end},
		}},
		{4, [][2]string{
			{"0", "85070591730234615865843651857942052863"},
			{"85070591730234615865843651857942052864", "170141183460469231731687303715884105727"},
			{"170141183460469231731687303715884105728", "255211775190703847597530955573826158591"},
			{"255211775190703847597530955573826158592", end},
		}},
		{5, [][2]string{
			{"0", "68056473384187692692674921486353642290"},
			{"68056473384187692692674921486353642291", "136112946768375385385349842972707284581"},
			{"136112946768375385385349842972707284582", "204169420152563078078024764459060926872"},
			{"204169420152563078078024764459060926873", "272225893536750770770699685945414569163"},
			{"272225893536750770770699685945414569164", end},
		}},
	} {
		for i, r := range evenRanges(c.n) {
			if got := [2]string{r.Start.String(), r.End.String()}; got != c.want[i] {
				t.Errorf("n=%d shard %d: %v, want %v", c.n, i, got, c.want[i])
			}
		}
	}
}

// TestEvenRangesAgainstBigIntegers holds the word arithmetic against the definition.
func TestEvenRangesAgainstBigIntegers(t *testing.T) {
	space := new(big.Int).Lsh(big.NewInt(1), 128)
	for _, n := range []int{1, 2, 3, 7, 8, 10, 16, 37, 500, 1000, 4096, 10_000, 19_999} {
		width := new(big.Int).Div(space, big.NewInt(int64(n)))
		ranges := evenRanges(n)
		for i, r := range ranges {
			start := new(big.Int).Mul(width, big.NewInt(int64(i)))
			end := new(big.Int).Sub(new(big.Int).Add(start, width), big.NewInt(1))
			if i == n-1 {
				end.Sub(space, big.NewInt(1))
			}
			if r.Start.String() != start.String() || r.End.String() != end.String() {
				t.Fatalf("n=%d shard %d: %s-%s, want %s-%s", n, i, r.Start, r.End, start, end)
			}
		}
	}
}

func TestParseHash(t *testing.T) {
	for _, good := range []string{"0", "1", "18446744073709551616", "340282366920938463463374607431768211455"} {
		h, err := ParseHash(good)
		if err != nil || h.String() != good {
			t.Errorf("ParseHash(%q) = %s, %v", good, h, err)
		}
	}
	for _, bad := range []string{"", "-1", "+1", "01", "1e5", "0x1", " 1", "340282366920938463463374607431768211456", "999999999999999999999999999999999999999"} {
		if h, err := ParseHash(bad); err == nil {
			t.Errorf("ParseHash(%q) = %s", bad, h)
		}
	}
}

func TestDecimalAgainstBigIntegers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	edges := []uint64{0, 1, wordBase - 1, wordBase, wordBase + 1, 1 << 63, ^uint64(0)}
	word := func() uint64 {
		if rng.IntN(2) == 0 {
			return edges[rng.IntN(len(edges))]
		}
		return rng.Uint64() >> rng.IntN(64)
	}
	for range 20_000 {
		n := uint192{hi: word(), mid: word(), lo: word()}
		b := new(big.Int).SetUint64(n.hi)
		b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(n.mid))
		b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(n.lo))
		text := string(n.appendDecimal(nil))
		if text != b.String() {
			t.Fatalf("%x: %s, want %s", n, text, b)
		}
		if back, ok := parseDecimal(text); !ok || back != n {
			t.Fatalf("parse %s: %x, %v", text, back, ok)
		}
	}
	over := new(big.Int).Lsh(big.NewInt(1), 192)
	if _, ok := parseDecimal(over.String()); ok {
		t.Error("2^192 was taken")
	}
	if n, ok := parseDecimal(over.Sub(over, big.NewInt(1)).String()); !ok || n != (uint192{^uint64(0), ^uint64(0), ^uint64(0)}) {
		t.Error("2^192-1 was refused")
	}
}

// FuzzNumbers compares the reading of hash keys and shard ids with that of plainer means.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "340282366920938463463374607431768211455", "340282366920938463463374607431768211456", "01", "-1", "shardId-000000000007", "a-b-1", "-", ""} {
		f.Add(s)
	}
	canonical := regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	id := regexp.MustCompile(`^(?:[^-]*-)?([0-9]+)$`)
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := new(big.Int).SetString(s, 10)
		ok = ok && canonical.MatchString(s) && n.BitLen() <= 128
		h, err := ParseHash(s)
		if (err == nil) != ok || ok && (h.String() != s || new(big.Int).SetBytes(h[:]).Cmp(n) != 0) {
			t.Errorf("hash key %q: %s, %v", s, h, err)
		}
		found := id.FindStringSubmatch(s)
		index := new(big.Int)
		if found != nil {
			index.SetString(found[1], 10)
		}
		shard, err := ParseShardID(s)
		if ok := found != nil && index.BitLen() <= 31; (err == nil) != ok || ok && index.Cmp(big.NewInt(int64(shard))) != 0 {
			t.Errorf("shard id %q: %d, %v", s, shard, err)
		}
	})
}
