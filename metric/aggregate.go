package metric

// Aggregate sums up samples of one metric, unit and period. The zero value is that of no samples.
type Aggregate struct {
	Count, Sum, Min, Max float64

	// opaque says that some samples came as a sum of several different ones, so that nothing is known of percentiles.
	opaque bool
	values distribution
}

// Add adds a sample that was taken n times.
func (a *Aggregate) Add(v, n float64) {
	a.extend(n, v*n, v, v)
	a.values.add(v, n)
}

// AddSet adds samples that are known by their sum and extremes alone.
func (a *Aggregate) AddSet(count, sum, low, high float64) {
	if count == 0 {
		return
	}
	if low == high {
		a.extend(count, sum, low, high)
		a.values.add(low, count)
		return
	}
	a.extend(count, sum, low, high)
	a.opaque = true
	a.values = distribution{}
}

func (a *Aggregate) extend(count, sum, low, high float64) {
	if a.Count == 0 {
		a.Min, a.Max = low, high
	}
	a.Count += count
	a.Sum += sum
	a.Min, a.Max = min(a.Min, low), max(a.Max, high)
}

// Merge adds the samples of another aggregate.
func (a *Aggregate) Merge(o *Aggregate) {
	if o.Count == 0 {
		return
	}
	a.extend(o.Count, o.Sum, o.Min, o.Max)
	if a.opaque = a.opaque || o.opaque; a.opaque {
		a.values = distribution{}
		return
	}
	a.values.merge(&o.values)
}

// percentile returns the value that p of a hundred samples do not exceed; it is unknown when samples came summed up.
func (a *Aggregate) percentile(p float64) (float64, bool) {
	switch {
	case a.Count == 0:
		return 0, false
	case a.Min == a.Max:
		return a.Min, true
	case a.opaque:
		return 0, false
	case p <= 0:
		return a.Min, true
	case p >= 100:
		return a.Max, true
	}
	return min(max(a.values.percentile(p), a.Min), a.Max), true
}
