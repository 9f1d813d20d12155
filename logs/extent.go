package logs

import (
	"math"
	"slices"
)

// extentBytes is how many bytes of blocks an extent has before the next begins.
const extentBytes = 256 << 10

// extent is a run of blocks. Once it is sealed it does not change.
type extent struct {
	first, last uint64 // ordinals
	bytes       int64
	min, max    int64    // times of events
	streams     []uint32 // sorted; replaced when it changes
}

// extentRow is how a sealed extent is kept.
type extentRow struct {
	Last    uint64   `json:"last"`
	Bytes   int64    `json:"bytes"`
	Min     int64    `json:"min"`
	Max     int64    `json:"max"`
	Streams []uint32 `json:"streams"`
}

func (e *extent) row() extentRow {
	return extentRow{Last: e.last, Bytes: e.bytes, Min: e.min, Max: e.max, Streams: e.streams}
}

func (r extentRow) extent(first uint64) *extent {
	return &extent{first: first, last: r.Last, bytes: r.Bytes, min: r.Min, max: r.Max, streams: r.Streams}
}

func (e *extent) empty() bool { return e.first == 0 }

// add takes a block in.
func (e *extent) add(ordinal uint64, bytes int) {
	if e.empty() {
		e.first, e.min, e.max = ordinal, math.MaxInt64, math.MinInt64
	}
	e.last = ordinal
	e.bytes += int64(bytes)
}

// note takes in an event of the newest block.
func (e *extent) note(x entry) {
	e.min, e.max = min(e.min, x.time), max(e.max, x.time)
	if i, found := slices.BinarySearch(e.streams, x.stream); !found {
		e.streams = slices.Insert(slices.Clone(e.streams), i, x.stream)
	}
}

// has reports whether the extent may have events of one of the streams.
func (e *extent) has(streams map[uint32]string) bool {
	if len(streams) < len(e.streams) {
		for number := range streams {
			if _, found := slices.BinarySearch(e.streams, number); found {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(e.streams, func(number uint32) bool { _, ok := streams[number]; return ok })
}
