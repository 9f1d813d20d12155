package metric

import (
	"math"
	"slices"
)

const (
	// fineBits is how many bits of a value's mantissa choose its bucket, beside its exponent: buckets are at most a 32nd as
	// wide as their values are large.
	fineBits = 5
	// maxBuckets bounds a distribution. One that has more is made coarser: neighbours become one. While the largest value
	// is less than some hundred times the smallest, that does not happen.
	maxBuckets = 256
)

// distribution counts values in buckets that grow with them. A bucket knows the sum of its values, so that values that
// are alone in their bucket are known exactly.
type distribution struct {
	buckets []bucket // by key
	scale   uint8    // how often it was made coarser
}

type bucket struct {
	key        int32
	count, sum float64
}

// keyOf returns the bucket of a value. Keys are in the order of the values.
func keyOf(v float64, scale uint8) int32 {
	key := int32(math.Float64bits(math.Abs(v)) >> (52 - fineBits))
	if v < 0 {
		key = ^key
	}
	return key >> scale
}

// add counts a value n times.
func (d *distribution) add(v, n float64) { d.put(bucket{keyOf(v, d.scale), n, v * n}) }

// put adds a bucket of this scale.
func (d *distribution) put(b bucket) {
	at, found := slices.BinarySearchFunc(d.buckets, b.key, func(b bucket, key int32) int { return int(b.key) - int(key) })
	if found {
		d.buckets[at].count += b.count
		d.buckets[at].sum += b.sum
		return
	}
	d.buckets = slices.Insert(d.buckets, at, b)
	for len(d.buckets) > maxBuckets {
		d.coarsen()
	}
}

// coarsen makes one bucket of each two neighbours.
func (d *distribution) coarsen() {
	d.scale++
	kept := d.buckets[:0]
	for _, b := range d.buckets {
		b.key >>= 1
		if last := len(kept) - 1; last >= 0 && kept[last].key == b.key {
			kept[last].count += b.count
			kept[last].sum += b.sum
			continue
		}
		kept = append(kept, b)
	}
	d.buckets = kept
}

// merge adds what another distribution has counted.
func (d *distribution) merge(o *distribution) {
	for d.scale < o.scale {
		d.coarsen()
	}
	for _, b := range o.buckets {
		b.key >>= d.scale - o.scale // which grows when this one becomes coarser meanwhile
		d.put(b)
	}
}

// percentile returns the least value that p of a hundred values do not exceed.
func (d *distribution) percentile(p float64) float64 {
	total := 0.0
	for _, b := range d.buckets {
		total += b.count
	}
	left := p / 100 * total
	for _, b := range d.buckets {
		if left -= b.count; left <= 1e-9*total {
			return b.sum / b.count
		}
	}
	return math.NaN() // of no values
}
