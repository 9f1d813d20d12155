package cloudwatch

import (
	"context"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
)

// maxDatapoints is how many data points GetMetricStatistics may be asked for.
const maxDatapoints = 1440

// GetMetricStatistics returns statistics of a metric for the periods between two moments, in the order of time. Samples
// of different units are kept apart.
func (d *Door) GetMetricStatistics(ctx context.Context, in *GetMetricStatisticsInput) (*GetMetricStatisticsOutput, error) {
	switch {
	case !in.StartTime.Before(in.EndTime):
		return nil, errOrder()
	case !isPeriod(in.Period):
		return nil, invalid("The parameter Period must be a value in the set [ 1, 5, 10, 20, 30 ] or a multiple of 60.")
	case len(in.Statistics) == 0 && len(in.ExtendedStatistics) == 0:
		return nil, combination("Must specify either Statistics or ExtendedStatistics.")
	case len(in.Statistics) > 0 && len(in.ExtendedStatistics) > 0:
		return nil, combination("Must specify either Statistics or ExtendedStatistics, but not both.")
	}
	period := time.Duration(in.Period) * time.Second
	if n := in.EndTime.Sub(in.StartTime) / period; n > maxDatapoints {
		return nil, combination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the "+
			"datapoints requested by increasing Period, or decreasing the time range.", n, maxDatapoints)
	}
	var statistics []metric.Statistic
	for i, name := range append(in.Statistics, in.ExtendedStatistics...) {
		s, err := metric.ParseStatistic(name)
		if err != nil || s.Percentile() != (len(in.ExtendedStatistics) > 0) {
			return nil, invalid("The value %s for parameter %s is invalid.", name, memberName("ExtendedStatistics", i))
		}
		statistics = append(statistics, s)
	}
	out := &GetMetricStatisticsOutput{Label: &in.MetricName, Datapoints: []Datapoint{}}
	for p, err := range d.Metrics.Points(ctx, metric.Query{
		Scope: scope(ctx), Name: nameOf(in.Namespace, in.MetricName, in.Dimensions), Unit: protocol.Value(in.Unit),
		Start: d.start(in.StartTime, period), End: in.EndTime, Period: period, Percentiles: len(in.ExtendedStatistics) > 0,
	}) {
		if err != nil {
			return nil, err
		}
		if point, ok := newDatapoint(&p, statistics); ok {
			out.Datapoints = append(out.Datapoints, point)
		}
	}
	return out, nil
}

// newDatapoint returns the statistics of a point, if it has any of them.
func newDatapoint(p *metric.Point, statistics []metric.Statistic) (point Datapoint, some bool) {
	point = Datapoint{Timestamp: &p.Time, Unit: &p.Unit}
	for _, s := range statistics {
		v, ok := s.Of(&p.Aggregate)
		if !ok {
			continue
		}
		some = true
		switch s.String() {
		case StatisticSampleCount:
			point.SampleCount = &v
		case StatisticAverage:
			point.Average = &v
		case StatisticSum:
			point.Sum = &v
		case StatisticMinimum:
			point.Minimum = &v
		case StatisticMaximum:
			point.Maximum = &v
		default:
			if point.ExtendedStatistics == nil {
				point.ExtendedStatistics = map[string]float64{}
			}
			point.ExtendedStatistics[s.String()] = v
		}
	}
	return point, some
}
