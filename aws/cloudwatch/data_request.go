package cloudwatch

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/millrace/millrace/metric"
	"github.com/millrace/millrace/metric/expression"
)

// dataRequest is the queries of one GetMetricData. It is what their expressions may name.
type dataRequest struct {
	queries []*dataQuery
	byID    map[string]*dataQuery
}

// newRequest reads and checks the queries.
func (d *Door) newRequest(ctx context.Context, in *GetMetricDataInput) (*dataRequest, error) {
	if len(in.MetricDataQueries) > maxQueries {
		return nil, validation("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	r := &dataRequest{byID: map[string]*dataQuery{}}
	points := int64(0)
	for i := range in.MetricDataQueries {
		at := memberName("MetricDataQueries", i)
		q, err := d.newQuery(ctx, at, in, &in.MetricDataQueries[i])
		if err != nil {
			return nil, err
		}
		if r.byID[q.id] != nil {
			return nil, validation("The values for parameter id in MetricDataQueries are not unique.")
		}
		r.byID[q.id] = q
		r.queries = append(r.queries, q)
		if q.metric != nil {
			points += int64(q.metric.End.Sub(q.metric.Start) / q.metric.Period)
		}
	}
	if points > maxPoints {
		return nil, validation("You have requested up to %d datapoints, which exceeds the limit of %d.", points, maxPoints)
	}
	return r, r.check()
}

// check refuses expressions that name what is not there.
func (r *dataRequest) check() error {
	for _, q := range r.queries {
		if q.expression == nil {
			continue
		}
		ids, _ := q.expression.Uses()
		for _, id := range ids {
			if r.byID[id] == nil {
				return validation("Error in expression '%s': the id %s is not defined.", q.id, id)
			}
		}
	}
	return nil
}

// evaluate works an expression out, once. The metrics have been read before.
func (r *dataRequest) evaluate(q *dataQuery) (*expression.Series, error) {
	if q.series != nil {
		return q.series, nil
	}
	if q.working {
		return nil, validation("Error in expression '%s': it depends on itself.", q.id)
	}
	q.working = true
	s, err := q.expression.Evaluate(r)
	if errors.Is(err, expression.ErrKind) {
		return nil, wrongExpression(q.id, err)
	}
	q.series = s
	return s, err
}

// read reads the points of the metrics.
func (d *Door) read(ctx context.Context, r *dataRequest) error {
	for _, q := range r.queries {
		if q.metric == nil {
			continue
		}
		if err := d.readQuery(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// readQuery reads the points of a metric, those of all its units together.
func (d *Door) readQuery(ctx context.Context, q *dataQuery) error {
	q.series = &expression.Series{Start: q.metric.Start.Unix(), End: q.metric.End.Unix(), Period: int64(q.metric.Period / time.Second)}
	var last *metric.Point
	add := func() {
		if last == nil {
			return
		}
		if v, ok := q.statistic.Of(&last.Aggregate); ok {
			q.series.Times, q.series.Values = append(q.series.Times, last.Time.Unix()), append(q.series.Values, v)
		}
	}
	for p, err := range d.Metrics.Points(ctx, *q.metric) {
		switch {
		case err != nil:
			return err
		case last != nil && last.Time.Equal(p.Time):
			last.Merge(&p.Aggregate)
		default:
			add()
			last = &p
		}
	}
	add()
	return nil
}

// Lookup implements expression.Environment.
func (r *dataRequest) Lookup(id string) (*expression.Series, error) { return r.evaluate(r.byID[id]) }

// Metrics implements expression.Environment.
func (r *dataRequest) Metrics(part string) ([]*expression.Series, error) {
	var all []*expression.Series
	for _, q := range r.queries {
		if q.metric == nil || !strings.Contains(q.id, part) {
			continue
		}
		s, err := r.evaluate(q)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
