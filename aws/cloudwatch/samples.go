package cloudwatch

import (
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/metric"
)

// largest is how far from zero a value may be.
var largest = math.Exp2(360)

// memberName names an element of a list in messages.
func memberName(list string, i int) string { return fmt.Sprintf("%s.member.%d", list, i+1) }

// addSamples adds what a datum holds: a value, values with their counts, or a statistic set. They exclude each other.
func addSamples(a *metric.Aggregate, member string, in *MetricDatum) error {
	both := func(one, other string) error {
		return combination("The parameters %s.%s and %s.%s are mutually exclusive and you have specified both.", member, one, member, other)
	}
	switch {
	case in.Value != nil && len(in.Values) > 0:
		return both("Value", "Values")
	case in.Value != nil && in.StatisticValues != nil:
		return both("Value", "StatisticValues")
	case in.StatisticValues != nil && len(in.Values) > 0:
		return both("StatisticValues", "Values")
	case in.StatisticValues != nil:
		return addSet(a, member+".StatisticValues", in.StatisticValues)
	case len(in.Values) > 0:
		return addValues(a, member, in.Values, in.Counts)
	case in.Value == nil:
		return missing("At least one of the parameters %s.Value, %s.Values and %s.StatisticValues must be specified.", member, member, member)
	}
	if err := checkNumber(member+".Value", *in.Value); err != nil {
		return err
	}
	a.Add(*in.Value, 1)
	return nil
}

func addValues(a *metric.Aggregate, member string, values, counts []float64) error {
	switch {
	case len(values) > maxValues:
		return invalid("The collection %s.Values must not have a size greater than %d.", member, maxValues)
	case len(counts) > 0 && len(counts) != len(values):
		return invalid("The parameters %s.Values and %s.Counts must be of the same size.", member, member)
	}
	for i, v := range values {
		count := 1.0
		if len(counts) > 0 {
			count = counts[i]
		}
		if err := checkNumber(memberName(member+".Values", i), v); err != nil {
			return err
		}
		if err := checkNumber(memberName(member+".Counts", i), count); err != nil || count < 0 {
			return wrongNumber(memberName(member+".Counts", i), count)
		}
		if count > 0 {
			a.Add(v, count)
		}
	}
	return nil
}

func addSet(a *metric.Aggregate, member string, set *StatisticSet) error {
	for _, x := range []struct {
		name  string
		value float64
		wrong bool
	}{
		{"SampleCount", set.SampleCount, set.SampleCount <= 0},
		{"Sum", set.Sum, false},
		{"Minimum", set.Minimum, false},
		{"Maximum", set.Maximum, set.Maximum < set.Minimum},
	} {
		if err := checkNumber(member+"."+x.name, x.value); err != nil {
			return err
		}
		if x.wrong {
			return wrongNumber(member+"."+x.name, x.value)
		}
	}
	a.AddSet(set.SampleCount, set.Sum, set.Minimum, set.Maximum)
	return nil
}

func checkNumber(member string, v float64) error {
	if math.IsNaN(v) || math.Abs(v) > largest {
		return wrongNumber(member, v)
	}
	return nil
}

func wrongNumber(member string, v float64) error {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	switch {
	case math.IsInf(v, 1):
		text = "∞"
	case math.IsInf(v, -1):
		text = "-∞"
	}
	return invalid("The value %s for parameter %s is invalid.", text, member)
}
