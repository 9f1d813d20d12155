package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
)

// Reader reads for alarms what they watch, as GetMetricData does.
type Reader struct {
	Metrics *metric.Service
	Clock   clockwork.Clock
}

// Values implements alarm.Reader.
func (r Reader) Values(ctx context.Context, account, region string, queries []alarm.Query, from, until time.Time) ([]alarm.Value, error) {
	ctx = protocol.WithCall(ctx, protocol.Call{Account: account, Region: region})
	d := &Door{Metrics: r.Metrics, Clock: r.Clock}
	request, err := d.newRequest(ctx, &GetMetricDataInput{MetricDataQueries: newQueries(queries, false), StartTime: from, EndTime: until})
	if err != nil {
		return nil, err
	}
	if err := d.read(ctx, request); err != nil {
		return nil, err
	}
	shown := slices.IndexFunc(request.queries, func(q *dataQuery) bool { return !q.hidden })
	if shown < 0 {
		return nil, fmt.Errorf("alarm without a metric: %w", alarm.ErrNotFound)
	}
	s, err := request.evaluate(request.queries[shown])
	if err != nil {
		return nil, err
	}
	values := make([]alarm.Value, len(s.Times))
	for i, at := range s.Times {
		values[i] = alarm.Value{Time: time.Unix(at, 0), Value: s.Values[i]}
	}
	return values, nil
}

// onlyID is the id of the one query of an alarm that was given as a metric alone.
const onlyID = "m1"

// newQueries translates what an alarm watches. Labels are asked for where people look.
func newQueries(queries []alarm.Query, labels bool) []MetricDataQuery {
	all := make([]MetricDataQuery, len(queries))
	for i, q := range queries {
		all[i] = MetricDataQuery{Id: q.ID, ReturnData: new(!q.Hidden)}
		if labels {
			all[i].Label = q.Label
		}
		if q.Expression != "" {
			all[i].Expression = &q.Expression
			if q.Period > 0 {
				all[i].Period = &q.Period
			}
			continue
		}
		all[i].MetricStat = &MetricStat{Metric: &Metric{Namespace: &q.Namespace, MetricName: &q.Metric, Dimensions: newDimensions(q)}, Period: q.Period, Stat: q.Stat}
		if q.Unit != "" {
			all[i].MetricStat.Unit = &q.Unit
		}
	}
	return all
}

func newDimensions(q alarm.Query) []Dimension {
	var all []Dimension
	for _, d := range q.Dimensions {
		all = append(all, Dimension{Name: d.Name, Value: d.Value})
	}
	return all
}

func dimensionsIn(in []Dimension) []alarm.Dimension {
	var all []alarm.Dimension
	for _, d := range in {
		all = append(all, alarm.Dimension{Name: d.Name, Value: d.Value})
	}
	return all
}
