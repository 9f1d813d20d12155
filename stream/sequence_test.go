package stream

import (
	"math/big"
	"strings"
	"testing"
	"time"
)

func shardCreated(index uint32, seconds int64) Shard {
	return Shard{Index: index, Created: time.Unix(seconds, 0), Parent: NoParent, AdjacentParent: NoParent}
}

func TestSequenceNumberVectors(t *testing.T) {
	const created = 1700000000
	closed := shardCreated(0, created)
	closed.Closed = time.Unix(created+3600, 0)
	for _, c := range []struct {
		name string
		got  SequenceNumber
		want string
	}{
		{"start of shard 0", shardCreated(0, created).Start(), "49646437577108476416916876405825929425585429676275269634"},
		{"start of shard 1", shardCreated(1, created).Start(), "49646437577130777162115407028967465143858078037781250066"},
		{"shard 0 index 5, ten seconds later", shardCreated(0, created).SequenceNumber(5, time.Unix(created+10, 0)), "49646437577108476416916876405831974054683503509343567874"},
		{"end of shard 0, an hour later", closed.End(), "49646437577119626789516141717395488358902386617969803266"},
		{"shard 17 index 1", shardCreated(17, created).SequenceNumber(1, time.Unix(created, 0)), "49646437577130777162115407028968674069677692666955956498"},
	} {
		if got := c.got.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		back, err := ParseSequenceNumber(c.want)
		if err != nil || back != c.got {
			t.Errorf("%s: parsed %v, %v", c.name, back, err)
		}
	}
	n, _ := new(big.Int).SetString("206553f100000000000000000050006553f10a000000002", 16)
	if got := shardCreated(0, created).SequenceNumber(5, time.Unix(created+10, 0)); got.String() != n.String() {
		t.Errorf("digits: %s, want %s", got, n)
	}
	// The starts of neighbouring first shards differ by one in the nibble and one in the index.
	a, _ := new(big.Int).SetString(shardCreated(0, created).Start().String(), 10)
	b, _ := new(big.Int).SetString(shardCreated(1, created).Start().String(), 10)
	if got := b.Sub(b, a).String(); got != "22300745198530623141535718272648361505980432" {
		t.Errorf("distance of starts: %s", got)
	}
}

func TestSequenceNumberNeverLiesBeforeItsShard(t *testing.T) {
	sh := shardCreated(3, 1700000000)
	o := sh.SequenceNumber(positionAt(1, 0), time.Unix(1600000000, 0)).Origin()
	if o.Time != 1700000000 {
		t.Errorf("time %d", o.Time)
	}
	if first := sh.SequenceNumber(positionAt(1, 0), sh.Created); first.Compare(sh.Start()) <= 0 {
		t.Error("the first record is not greater than the shard's start")
	}
}

func TestSequenceNumberOrigin(t *testing.T) {
	for _, o := range []Origin{
		{Version: 2, Creation: 1700000000, Position: 5, Time: 1700000010, Shard: 0},
		{Version: 2, Creation: 1, Position: positionAt(1, 0), Time: 1, Shard: 1},
		{Version: 2, Creation: maxCreation - 1, Position: MaxPosition, Time: 1<<36 - 1, Shard: 1<<31 - 1},
		{Version: 2, Creation: 1700000000, Position: positionAt(maxOrdinal, maxOffset-1), Time: 1800000000, Shard: 19999},
	} {
		n := encodeSequence(o)
		if got := n.Origin(); got != o {
			t.Errorf("%+v came back as %+v", o, got)
		}
		if back, err := ParseSequenceNumber(n.String()); err != nil || back.Origin() != o {
			t.Errorf("%+v: parsed %+v, %v", o, back.Origin(), err)
		}
	}
}

func hexNumber(t *testing.T, digits string) string {
	t.Helper()
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		t.Fatal(digits)
	}
	return n.String()
}

func TestParseSequenceNumber(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("0", n) }
	for _, c := range []struct {
		name, hex string
		ok        bool
		want      Origin
	}{
		{"0 is read with 2^124 added", "0", true, Origin{}},
		{"a small number names its shard in its last four digits", "5", true, Origin{Shard: 5}},
		{"just below 2^124", strings.Repeat("f", 31), false, Origin{}}, // its creation is impossible
		{"version 0", "13bb2cc3d7ff7fffffffffffffff0003", true, Origin{Creation: 0x3bb2cc3d7, Shard: 3}},
		{"version 0, creation too late", "13bb2cc3d80000000000000000000000", false, Origin{}},
		{"version 0 of 33 digits", "1" + "000000001" + zeros(19) + "0007", true, Origin{Creation: 1, Shard: 0, Time: 0}},
		{"2^129", "2" + zeros(32), false, Origin{}},
		{"between the versions", "1" + zeros(46), false, Origin{}},
		{"2^185", "2" + zeros(46), false, Origin{}},
		{"version 1", "2" + "06553f100" + "0" + "00" + "06553f10a" + "12345678901234" + "07" + "00000009" + "1", true, Origin{Version: 1, Creation: 0x6553f100, Time: 0x6553f10a, Shard: 9}},
		{"version 2", "2" + "06553f100" + "1" + "0000000000010000" + "00" + "06553f10a" + "00000011" + "2", true, Origin{Version: 2, Creation: 0x6553f100, Position: 65536, Time: 0x6553f10a, Shard: 17}},
		{"version 3", "2" + zeros(45) + "3", false, Origin{}},
		{"version 0 in the range of 1 and 2", "2" + zeros(44) + "10", false, Origin{}},
		{"index digit above 7", "20000000000800000000000000000000000000000000002", false, Origin{}},
		{"shard digit above 7", "20000000000000000000000000000000000000800000002", true, Origin{Version: 2, Shard: -1 << 31}},
		{"creation too late", "2" + "3bb2cc3d8" + zeros(36) + "2", false, Origin{}},
		{"creation just possible", "2" + "3bb2cc3d7" + zeros(36) + "2", true, Origin{Version: 2, Creation: 0x3bb2cc3d7}},
		{"1.5 * 2^185", "3" + zeros(45) + "2", false, Origin{}},
		{"2^192", "1" + zeros(48), false, Origin{}},
	} {
		text := hexNumber(t, c.hex)
		n, err := ParseSequenceNumber(text)
		if (err == nil) != c.ok {
			t.Errorf("%s: %s: %v", c.name, text, err)
			continue
		}
		if err == nil {
			if got := n.Origin(); got != c.want {
				t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
			}
		}
	}
	for _, bad := range []string{"", "x", "-5", "05", "1.5", "1e9", " 1", strings.Repeat("9", 129)} {
		if n, err := ParseSequenceNumber(bad); err == nil {
			t.Errorf("%q was taken as %s", bad, n)
		}
	}
	if got, want := (&OtherShardError{Encoded: -1 << 31}).EncodedID(), "shardId--02147483648"; got != want {
		t.Errorf("negative shard: %s, want %s", got, want)
	}
}

func TestSequenceNumbersOrderAsPositions(t *testing.T) {
	sh := shardCreated(5, 1700000000)
	last := sh.Start()
	for _, p := range []Position{1, positionAt(1, 0), positionAt(1, 1), positionAt(1, maxOffset-1), positionAt(2, 0), positionAt(1<<20, 7), positionAt(maxOrdinal, 0)} {
		n := sh.SequenceNumber(p, time.Unix(1700000000+int64(p%100), 0))
		if n.Compare(last) <= 0 {
			t.Errorf("position %x is not greater than the one before", uint64(p))
		}
		last = n
	}
	sh.Closed = time.Unix(1700000001, 0)
	if sh.End().Compare(last) <= 0 {
		t.Error("the end is not the greatest")
	}
}

func FuzzParseSequenceNumber(f *testing.F) {
	for _, s := range []string{"0", "5", "49646437577108476416916876405831974054683503509343567874", "21267647932558653966460912964485513216", strings.Repeat("9", 58), "-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSequenceNumber(s)
		if err != nil {
			return
		}
		o := n.Origin()
		if o.Version < 0 || o.Version > 2 || o.Position > MaxPosition || o.Creation < 0 || o.Creation >= maxCreation || o.Time < 0 {
			t.Errorf("%s: %+v", s, o)
		}
		if back, err := ParseSequenceNumber(n.String()); err != nil || back != n {
			t.Errorf("%s: printed %s, which is %v, %v", s, n, back, err)
		}
		if (o.Version == 2 || o.Version == 1) && n.String() != s {
			t.Errorf("%s printed as %s", s, n)
		}
	})
}

func BenchmarkSequenceNumberAppend(b *testing.B) {
	sh := shardCreated(17, 1700000000)
	at := time.Unix(1700000010, 0)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for i := range b.N {
		buf = sh.SequenceNumber(positionAt(uint64(i)+1, 3), at).AppendTo(buf[:0])
	}
}

func BenchmarkParseSequenceNumber(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSequenceNumber("49646437577108476416916876405831974054683503509343567874"); err != nil {
			b.Fatal(err)
		}
	}
}
