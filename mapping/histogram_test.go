package mapping

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogramBuckets(t *testing.T) {
	for _, us := range []uint64{0, 1, 31, 32, 33, 63, 64, 65, 1000, 1 << 20, 1<<topBits - 1} {
		i := bucketOf(us)
		if us > bucketTop(i) || i > 0 && us <= bucketTop(i-1) {
			t.Errorf("%d µs is in bucket %d, which ends at %d", us, i, bucketTop(i))
		}
	}
	if last := bucketOf(math.MaxUint64); last != histBucket-1 {
		t.Errorf("the longest duration is in bucket %d of %d", last, histBucket)
	}
	for i := 1; i < histBucket; i++ {
		if bucketTop(i) <= bucketTop(i-1) {
			t.Fatalf("bucket %d ends at %d, the one before at %d", i, bucketTop(i), bucketTop(i-1))
		}
	}
}

func TestHistogramPercentiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var h histogram
	if h.latency() != (Latency{}) {
		t.Error("an empty histogram has latencies")
	}
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(math.Exp(random.NormFloat64()*2+7)) * time.Microsecond
		all = append(all, d)
		h.add(d)
	}
	slices.Sort(all)
	l := h.latency()
	for _, c := range []struct {
		name      string
		got, want time.Duration
	}{
		{"p50", l.P50, all[len(all)/2]},
		{"p90", l.P90, all[len(all)*9/10]},
		{"p99", l.P99, all[len(all)*99/100]},
		{"max", l.Max, all[len(all)-1]},
	} {
		if off := math.Abs(float64(c.got-c.want)) / float64(c.want); off > 0.05 {
			t.Errorf("%s is %s, not %s", c.name, c.got, c.want)
		}
	}
	h.add(-time.Second) // a clock that was set back
	if l := h.latency(); l.Count != 10_001 {
		t.Errorf("%d durations were counted", l.Count)
	}
}
