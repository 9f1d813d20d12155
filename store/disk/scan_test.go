package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// TestManifestDamage flips every byte of a manifest, and cuts it off everywhere.
func TestManifestDamage(t *testing.T) {
	sizes := []int{10, 200, 3, 70_000, 40, 5}
	var buf bytes.Buffer
	var ends []int
	w := record.NewWriter(&buf)
	for i, size := range sizes {
		if _, err := w.WriteRecord([]byte(strings.Repeat(fmt.Sprint(i), size))); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, buf.Len())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := buf.Bytes()
	judge := func(data []byte) int64 {
		at, err := manifestDamage(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := judge(whole); at >= 0 {
		t.Fatalf("a whole manifest is called damaged at %d", at)
	}
	last := ends[len(ends)-2]
	for place := range whole {
		if place > 1000 && place%97 != 0 && place < last-100 {
			continue // in the middle of the long record
		}
		flipped := bytes.Clone(whole)
		flipped[place] ^= 0x10
		if at := judge(flipped); (at >= 0) != (place < last) {
			t.Errorf("byte %d of %d flipped, the last record begins at %d: damage found at %d", place, len(whole), last, at)
		}
		if at := judge(whole[:place]); at >= 0 {
			t.Errorf("cut off at %d: damage found at %d", place, at)
		}
	}
	// A long record of which a crash kept the end and lost the beginning is torn, not damaged.
	torn := bytes.Clone(whole[:ends[3]])
	clear(torn[ends[2] : ends[2]+2000])
	if at := judge(torn); at >= 0 {
		t.Errorf("a torn record is called damaged at %d", at)
	}
}

// TestMarkedChunks checks that what follows unsynced writes proves nothing, and what follows synced ones does.
func TestMarkedChunks(t *testing.T) {
	const number = 7
	log := func(marks ...[2]uint64) (data []byte, ends []int) {
		var buf bytes.Buffer
		w := record.NewLogWriter(&buf, number, record.LogWriterConfig{WriteWALSyncOffsets: func() bool { return true }})
		for _, m := range marks {
			body := bytes.Repeat([]byte("body"), 30)
			rec := append(body, append([]byte{3, byte(logMarkLen)}, logMark(m[0], m[1])...)...)
			end, err := w.WriteRecord(rec)
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, int(end))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes(), ends
	}
	tests := []struct {
		name   string
		marks  [][2]uint64 // number, durable
		broken int         // which record
		want   bool
	}{
		{"whole", [][2]uint64{{1, 0}, {2, 1}, {3, 2}}, -1, false},
		{"synced and witnessed", [][2]uint64{{1, 0}, {2, 1}, {3, 2}}, 1, true},
		{"witnessed later", [][2]uint64{{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 2}}, 1, true},
		{"not synced", [][2]uint64{{1, 0}, {2, 0}, {3, 1}, {4, 1}}, 1, false},
		{"the first of the log", [][2]uint64{{5, 4}, {6, 4}, {7, 6}}, 0, true},
		{"the first of the log, not synced", [][2]uint64{{5, 4}, {6, 4}}, 0, false},
		{"the last", [][2]uint64{{1, 0}, {2, 1}, {3, 2}}, 2, false},
	}
	for _, test := range tests {
		data, ends := log(test.marks...)
		if test.broken >= 0 {
			data[ends[test.broken]-40] ^= 1
		}
		at, err := logDamage(bytes.NewReader(data), number)
		if err != nil || (at >= 0) != test.want {
			t.Errorf("%s: damage at %d, %v", test.name, at, err)
		}
		if at, err := logDamage(bytes.NewReader(data), number+1); err != nil || at >= 0 {
			t.Errorf("%s: a log's former life is called damage at %d, %v", test.name, at, err)
		}
	}
}

// TestLogDamage zeroes every sector of real logs, some of them in a file's second life. The damage is found whenever a
// record behind it bears witness.
func TestLogDamage(t *testing.T) {
	for seed := range uint64(2) {
		mem := vfs.NewCrashableMem()
		s, err := Open(Options{Dir: "/s", FS: mem, MemtableBytes: 256 << 10}.Eager())
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		var group sync.WaitGroup
		for w := range uint64(3) {
			sizes := make([]int, 60)
			for i := range sizes {
				sizes[i] = rng.IntN(3000)
				if rng.IntN(20) == 0 {
					sizes[i] = 50_000
				}
			}
			group.Go(func() {
				for _, size := range sizes {
					if _, err := s.Append(t.Context(), store.LogID{Stream: w}, make(store.Data, size)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		clone := mem.CrashClone(vfs.CrashCloneCfg{})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		names, err := clone.List(s.dbDir())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			var number uint32
			if _, err := fmt.Sscanf(name, "%d.log", &number); err == nil {
				data, err := readFile(clone, clone.PathJoin(s.dbDir(), name))
				if err != nil {
					t.Fatal(err)
				}
				testLogDamage(t, name, data, number)
			}
		}
	}
}

func testLogDamage(t *testing.T, name string, data []byte, number uint32) {
	records := readRecords(t, data, number)
	for from := 0; from < len(data); from += 512 {
		to := min(from+512, len(data))
		damaged := bytes.Clone(data)
		clear(damaged[from:to])
		want, lost := false, uint64(0)
		for _, r := range records {
			if r.end > from && lost == 0 && !bytes.Equal(damaged, data) {
				lost = r.number
			}
			want = want || r.begin >= to && lost > 0 && r.durable >= lost
		}
		at, err := logDamage(bytes.NewReader(damaged), number)
		if err != nil || (at >= 0) != want {
			t.Fatalf("%s: zeroed from %d to %d of %d: damage at %d, %v; want it found: %t", name, from, to, len(data), at, err, want)
		}
	}
}

type markedRecord struct {
	begin, end      int
	number, durable uint64
}

// readRecords reads the live records of a log.
func readRecords(t *testing.T, data []byte, number uint32) []markedRecord {
	var records []markedRecord
	var body []byte
	begin := 0
	err := eachChunk(bytes.NewReader(data), func(at int64, c chunk) bool {
		if c.part == partNone || c.log != number {
			return c.part == partNone
		}
		if c.part == partFull || c.part == partFirst {
			begin, body = int(at), nil
		}
		body = append(body, c.bytes...)
		if c.part == partFull || c.part == partLast {
			r := markedRecord{begin: begin, end: int(at) + c.size}
			r.number, r.durable, _ = readLogMark(body[max(len(body)-logMarkOp, 0):])
			records = append(records, r)
		}
		return true
	})
	if err != nil && err != errStopped {
		t.Fatal(err)
	}
	return records
}
