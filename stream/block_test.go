package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/millrace/millrace/store"
)

// someDrafts makes drafts with payloads and keys of odd lengths, arrivals that stand still or go on, and here and
// there an explicit hash key.
func someDrafts(rng *rand.Rand, n int) []draft {
	drafts := make([]draft, n)
	arrival := int64(1_700_000_000_000_000)
	for i := range drafts {
		e := &Entry{Data: make([]byte, rng.IntN(60)), PartitionKey: strings.Repeat("ké", rng.IntN(5)) + fmt.Sprint(i)}
		for j := range e.Data {
			e.Data[j] = byte(rng.Uint32())
		}
		if rng.IntN(3) == 0 {
			h := HashOf(fmt.Sprint("explicit", i))
			e.ExplicitHashKey = &h
		}
		if rng.IntN(2) == 0 {
			arrival += int64(rng.IntN(5_000_000))
		}
		drafts[i] = draft{entry: e, hash: e.hash(), arrival: arrival}
	}
	return drafts
}

func TestBlockRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 17, 500, maxBlockRecords} {
		drafts := someDrafts(rng, n)
		data, made := encodeBlock(drafts)
		made.place(42)
		read, err := decodeBlock(42, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(made.records, read.records) {
			t.Fatalf("%d records: what was made and what was read differ", n)
		}
		if made.first != read.first || made.last != read.last || read.ordinal != 42 {
			t.Errorf("%d records: header %d-%d, want %d-%d", n, read.first, read.last, made.first, made.last)
		}
		for i, r := range read.records {
			d := drafts[i]
			if !bytes.Equal(r.Data, d.entry.Data) || r.PartitionKey != d.entry.PartitionKey || r.Hash != d.entry.hash() ||
				r.Arrival.UnixMicro() != d.arrival || r.Position != positionAt(42, i) {
				t.Fatalf("record %d of %d: %+v", i, n, r)
			}
		}
		if read.end() != positionAt(42, n-1) {
			t.Errorf("end %x", uint64(read.end()))
		}
	}
}

func TestBlockFindsFlippedAndTornBytes(t *testing.T) {
	data, _ := encodeBlock(someDrafts(rand.New(rand.NewPCG(5, 6)), 20))
	for i := range data {
		for _, bit := range []byte{1, 0x80} {
			broken := bytes.Clone(data)
			broken[i] ^= bit
			if _, err := decodeBlock(1, broken, nil); !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("byte %d, bit %#x: %v", i, bit, err)
			}
		}
		if _, err := decodeBlock(1, data[:i], nil); !errors.Is(err, store.ErrCorrupt) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := decodeBlock(1, append(bytes.Clone(data), 0), nil); !errors.Is(err, store.ErrCorrupt) {
		t.Error("a byte too many was passed over")
	}
}

func TestBlockOfAnotherVersionIsNotGuessedAt(t *testing.T) {
	data, _ := encodeBlock(someDrafts(rand.New(rand.NewPCG(5, 6)), 1))
	data[0] = 3
	binary.LittleEndian.PutUint32(data[4:], checksum(data))
	if _, err := decodeBlock(1, data, nil); err == nil || errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "version 3") {
		t.Error(err)
	}
}

func TestBlockAfterAndSince(t *testing.T) {
	drafts := make([]draft, 4)
	for i, at := range []int64{10, 20, 20, 30} {
		drafts[i] = draft{entry: &Entry{}, arrival: at}
	}
	_, b := encodeBlock(drafts)
	b.place(7)
	for _, c := range []struct {
		cursor Position
		want   int
	}{{0, 4}, {afterBlock(6), 4}, {positionAt(7, 0), 3}, {positionAt(7, 3), 0}, {positionAt(7, 100), 0}, {afterBlock(7), 0}, {positionAt(8, 0), 0}} {
		if got := len(b.after(c.cursor)); got != c.want {
			t.Errorf("after %x: %d records, want %d", uint64(c.cursor), got, c.want)
		}
	}
	for at, want := range map[int64]int{0: 0, 10: 0, 11: 1, 20: 1, 21: 3, 30: 3, 31: 4} {
		if got := b.since(at); got != want {
			t.Errorf("since %d: %d, want %d", at, got, want)
		}
	}
}

// FuzzDecodeBlock gives the decoder anything at all, with and without a checksum that fits.
func FuzzDecodeBlock(f *testing.F) {
	data, _ := encodeBlock(someDrafts(rand.New(rand.NewPCG(7, 8)), 3))
	f.Add(data, true)
	f.Add(data[:blockHeader], true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, data []byte, fit bool) {
		data = bytes.Clone(data)
		if fit && len(data) >= blockHeader {
			binary.LittleEndian.PutUint32(data[4:], checksum(data))
		}
		b, err := decodeBlock(1, data, nil)
		if err != nil {
			return
		}
		if len(b.records) == 0 || b.records[len(b.records)-1].Arrival.UnixMicro() != b.last {
			t.Errorf("%d records, last arrival %d", len(b.records), b.last)
		}
	})
}

func BenchmarkDecodeBlock(b *testing.B) {
	drafts := make([]draft, 1000)
	for i := range drafts {
		e := &Entry{Data: make([]byte, 1024), PartitionKey: fmt.Sprint("key-", i)}
		drafts[i] = draft{entry: e, hash: e.hash(), arrival: int64(i)}
	}
	data, _ := encodeBlock(drafts)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeBlock(1, data, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeBlock(b *testing.B) {
	drafts := make([]draft, 500)
	for i := range drafts {
		e := &Entry{Data: make([]byte, 1024), PartitionKey: fmt.Sprint("key-", i)}
		drafts[i] = draft{entry: e, hash: e.hash(), arrival: int64(i)}
	}
	b.SetBytes(500 * 1024)
	b.ReportAllocs()
	for b.Loop() {
		encodeBlock(drafts)
	}
}
