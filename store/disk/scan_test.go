package disk

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"
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
