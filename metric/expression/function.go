package expression

import (
	"maps"
	"math"
	"slices"
)

// summary is SUM, AVG, MIN or MAX: a number for a series, a series for a list.
type summary struct {
	function string
	of       node
}

func (s summary) value(env Environment) (Value, error) {
	v, err := s.of.value(env)
	switch {
	case err != nil:
		return Value{}, err
	case v.kind == isNumber:
		return Value{}, kindError(s.function + " of a number")
	case v.kind == isSeries:
		return numberValue(s.reduce(v.Series.Values)), nil
	case len(v.List) == 0:
		return Value{}, kindError(s.function + " of an empty list")
	}
	result, at := v.List[0].like(), map[int64][]float64{}
	for _, series := range v.List {
		if series.Period > result.Period {
			result = series.like()
		}
		for i, t := range series.Times {
			at[t] = append(at[t], series.Values[i])
		}
	}
	for _, t := range slices.Sorted(maps.Keys(at)) {
		result.add(t, s.reduce(at[t]))
	}
	return seriesValue(result), nil
}

// reduce makes one number of many; of none it is no number.
func (s summary) reduce(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	switch s.function {
	case "MIN":
		return slices.Min(values)
	case "MAX":
		return slices.Max(values)
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	if s.function == "AVG" {
		sum /= float64(len(values))
	}
	return sum
}

// filling is FILL.
type filling struct {
	of   node
	how  string // REPEAT or LINEAR, empty when there is a number
	with node
}

func (f filling) value(env Environment) (Value, error) {
	v, err := f.of.value(env)
	if err != nil {
		return Value{}, err
	}
	gap := func(s *Series, i int, t int64) float64 { return between(f.how, s, i, t) }
	if f.how == "" {
		with, err := f.with.value(env)
		if err != nil {
			return Value{}, err
		}
		if with.kind != isNumber {
			return Value{}, kindError("FILL with what is not a number")
		}
		gap = func(*Series, int, int64) float64 { return with.Number }
	}
	switch v.kind {
	case isNumber:
		return Value{}, kindError("FILL of a number")
	case isSeries:
		return seriesValue(fill(v.Series, gap)), nil
	}
	all := make([]*Series, len(v.List))
	for i, s := range v.List {
		all[i] = fill(s, gap)
	}
	return listValue(all), nil
}

// fill gives the series a number for each of its periods: gap's, for those that it does not know. The i of gap is the
// place of the next moment that is known.
func fill(s *Series, gap func(s *Series, i int, t int64) float64) *Series {
	result := s.like()
	i := 0
	for t := s.Start; t < s.End && s.Period > 0; t += s.Period {
		if i < len(s.Times) && s.Times[i] == t {
			result.add(t, s.Values[i])
			i++
			continue
		}
		result.add(t, gap(s, i, t))
	}
	return result
}

// between is what REPEAT or LINEAR give for the moment t, which is before the i-th known. Outside of what is known
// there is nothing to go by, except that REPEAT goes on behind it.
func between(how string, s *Series, i int, t int64) float64 {
	switch {
	case i == 0, how == "LINEAR" && i == len(s.Times):
		return math.NaN()
	case how == "REPEAT":
		return s.Values[i-1]
	}
	share := float64(t-s.Times[i-1]) / float64(s.Times[i]-s.Times[i-1])
	return s.Values[i-1] + share*(s.Values[i]-s.Values[i-1])
}
