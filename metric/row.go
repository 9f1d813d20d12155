package metric

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"
)

// The room's tables.
const (
	tableMetrics = "metric"      // metricRow, under the metric's number
	tableRows    = "metric-data" // row, under rowKey
)

// tier is one of the lengths that periods have, from the shortest.
type tier byte

const (
	seconds tier = iota // of samples that came with high resolution
	minutes
	fives
	hours
	tiers
)

// width returns how long the periods are, in seconds.
func (t tier) width() int64 { return [tiers]int64{1, 60, 300, 3600}[t] }

// keep returns how long the periods of the tier are kept before they are merged into longer ones.
func (t tier) keep() time.Duration {
	const day = 24 * time.Hour
	return [tiers]time.Duration{3 * time.Hour, 15 * day, 63 * day, 455 * day}[t]
}

// floor returns the beginning of the tier's period that holds a moment, in seconds of Unix time.
func (t tier) floor(at int64) int64 { return floor(at, t.width()) }

func floor(at, width int64) int64 {
	rest := at % width
	if rest < 0 {
		rest += width
	}
	return at - rest
}

// metricRow is how a metric is kept.
type metricRow struct {
	Account    string      `json:"account"`
	Region     string      `json:"region"`
	Namespace  string      `json:"namespace"`
	Metric     string      `json:"metric"`
	Dimensions []Dimension `json:"dimensions,omitempty"`
	// Last is when the newest period began that has a sample, in seconds of Unix time; it may lag behind a little.
	Last int64 `json:"last"`
}

// row is something that was added to a period.
type row struct {
	Unit  string  `json:"unit,omitempty"`
	Count float64 `json:"n"`
	Sum   float64 `json:"sum"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	// Opaque says that nothing is known of percentiles. Otherwise the distribution is that of Buckets (key, count, sum)
	// at Scale; there are none when all values are the same.
	Opaque  bool         `json:"opaque,omitempty"`
	Scale   uint8        `json:"scale,omitempty"`
	Buckets [][3]float64 `json:"buckets,omitempty"`
}

func newRow(unit string, a *Aggregate) row {
	r := row{Unit: unit, Count: a.Count, Sum: a.Sum, Min: a.Min, Max: a.Max, Opaque: a.opaque, Scale: a.values.scale}
	if a.Min == a.Max && !a.opaque {
		r.Scale = 0
		return r
	}
	for _, b := range a.values.buckets {
		r.Buckets = append(r.Buckets, [3]float64{float64(b.key), b.count, b.sum})
	}
	return r
}

// aggregate returns what the row adds. Without the distribution it is good for all statistics but percentiles.
func (r *row) aggregate(distributed bool) Aggregate {
	a := Aggregate{Count: r.Count, Sum: r.Sum, Min: r.Min, Max: r.Max, opaque: r.Opaque || !distributed}
	switch {
	case a.opaque:
	case len(r.Buckets) == 0:
		a.values.add(r.Min, r.Count)
	default:
		a.values.scale = r.Scale
		for _, b := range r.Buckets {
			a.values.buckets = append(a.values.buckets, bucket{int32(b[0]), b[1], b[2]})
		}
	}
	return a
}

func metricKey(number uint64) string { return string(binary.BigEndian.AppendUint64(nil, number)) }

// rowKey orders rows by tier, metric and period. What is random tells apart what was added to one period.
func rowKey(t tier, number uint64, period int64, random uint64) string {
	b := append(make([]byte, 0, 25), byte(t))
	b = binary.BigEndian.AppendUint64(b, number)
	b = binary.BigEndian.AppendUint64(b, uint64(period)^1<<63)
	return string(binary.BigEndian.AppendUint64(b, random))
}

// newRowKey returns the key of a row that is not there yet.
func newRowKey(t tier, number uint64, period int64) string {
	return rowKey(t, number, period, rand.Uint64())
}

// rowBefore sorts before all rows of the period.
func rowBefore(t tier, number uint64, period int64) string { return rowKey(t, number, period, 0) }

var errRowKey = errors.New("malformed key of metric data")

// periodOf returns the period in a row's key.
func periodOf(key string) (int64, error) {
	if len(key) != 25 {
		return 0, errRowKey
	}
	return int64(binary.BigEndian.Uint64([]byte(key[9:17])) ^ 1<<63), nil
}

// metricPrefix begins the keys of all of a metric's rows in a tier.
func metricPrefix(t tier, number uint64) string { return rowKey(t, number, 0, 0)[:9] }
