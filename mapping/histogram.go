package mapping

import (
	"math/bits"
	"sync"
	"time"

	"github.com/millrace/millrace/stream"
)

// Latency sums up a number of durations. The percentiles are right to about 3 %.
type Latency struct {
	Count         uint64
	P50, P90, P99 time.Duration
	Max           time.Duration
}

const (
	// subBits is how many bits of a duration beside its highest one choose the bucket.
	subBits = 5
	// topBits is the length of the longest duration that is told apart, in bits of microseconds: 6.4 days.
	topBits    = 39
	histBucket = (topBits - subBits + 1) << subBits
)

// histogram counts durations in buckets that grow with them, in memory that is bounded and taken at first use.
type histogram struct {
	mu      sync.Mutex
	buckets []uint64
	count   uint64
	max     time.Duration
}

// add counts a duration; the caller holds mu.
func (h *histogram) add(d time.Duration) {
	if h.buckets == nil {
		h.buckets = make([]uint64, histBucket)
	}
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d.Microseconds()))]++
	h.count++
	h.max = max(h.max, d)
}

// addAll counts how long ago records arrived.
func (h *histogram) addAll(records []stream.Record, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range records {
		h.add(now.Sub(records[i].Arrival))
	}
}

func (h *histogram) latency() Latency {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Latency{Count: h.count, P50: h.percentile(50), P90: h.percentile(90), P99: h.percentile(99), Max: h.max}
}

// percentile returns the least bucket's value that p of a hundred durations do not exceed.
func (h *histogram) percentile(p uint64) time.Duration {
	left := (h.count*p + 99) / 100
	for i, n := range h.buckets {
		if n >= left {
			return min(time.Duration(bucketTop(i))*time.Microsecond, h.max)
		}
		left -= n
	}
	return h.max
}

// bucketOf returns the bucket of a number of microseconds: itself below 1<<subBits, then 1<<subBits buckets for each
// doubling.
func bucketOf(us uint64) int {
	us = min(us, 1<<topBits-1)
	if us < 1<<subBits {
		return int(us)
	}
	shift := bits.Len64(us) - subBits - 1
	return (shift+1)<<subBits + int(us>>shift)&(1<<subBits-1)
}

// bucketTop returns the largest number of microseconds in a bucket.
func bucketTop(i int) uint64 {
	if i < 1<<subBits {
		return uint64(i)
	}
	shift := i>>subBits - 1
	return uint64(1<<subBits|i&(1<<subBits-1)+1)<<shift - 1
}
