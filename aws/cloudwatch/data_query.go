package cloudwatch

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
	"github.com/millrace/millrace/metric/expression"
)

// dataQuery is one query of GetMetricData.
type dataQuery struct {
	id, label  string
	hidden     bool // asks for no result of its own
	metric     *metric.Query
	statistic  metric.Statistic
	expression *expression.Expression

	series  *expression.Series
	working bool // its series is being worked out
}

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

func (d *Door) newQuery(ctx context.Context, at string, in *GetMetricDataInput, x *MetricDataQuery) (*dataQuery, error) {
	q := &dataQuery{id: x.Id, label: x.Id, hidden: x.ReturnData != nil && !*x.ReturnData}
	switch account := protocol.Value(x.AccountId); {
	case !queryID.MatchString(x.Id):
		return nil, validation("The value %s for parameter %s.Id must begin with a lowercase letter and contain only letters, digits and underscores.", x.Id, at)
	case account != "" && account != protocol.CallFrom(ctx).Account:
		return nil, foreign(at + ".AccountId")
	case x.Label != nil && strings.Contains(*x.Label, "${"):
		return nil, invalid("The value %s for parameter %s.Label is invalid: dynamic labels are not supported.", *x.Label, at)
	case (x.MetricStat != nil) == (x.Expression != nil):
		return nil, validation("Exactly one of the parameters %s.MetricStat and %s.Expression must be specified.", at, at)
	case x.Period != nil && !isPeriod(*x.Period):
		return nil, wrongPeriod(at + ".Period")
	}
	var err error
	if x.Expression != nil {
		if q.expression, err = expression.Parse(*x.Expression); err != nil {
			return nil, wrongExpression(x.Id, err)
		}
	} else if err = d.setMetric(ctx, q, at+".MetricStat", in, x.MetricStat); err != nil {
		return nil, err
	}
	if x.Label != nil {
		q.label = *x.Label
	}
	return q, nil
}

// setMetric takes over which metric a query is for.
func (d *Door) setMetric(ctx context.Context, q *dataQuery, at string, in *GetMetricDataInput, x *MetricStat) error {
	if x.Metric == nil || protocol.Value(x.Metric.Namespace) == "" || protocol.Value(x.Metric.MetricName) == "" {
		return missing("The parameters %s.Metric.Namespace and %s.Metric.MetricName are required.", at, at)
	}
	if !isPeriod(x.Period) {
		return wrongPeriod(at + ".Period")
	}
	var err error
	if q.statistic, err = metric.ParseStatistic(x.Stat); err != nil {
		return invalid("The value %s for parameter %s.Stat is invalid.", x.Stat, at)
	}
	period := time.Duration(x.Period) * time.Second
	q.label = *x.Metric.MetricName
	q.metric = &metric.Query{
		Scope: scope(ctx), Name: nameOf(*x.Metric.Namespace, *x.Metric.MetricName, x.Metric.Dimensions), Unit: protocol.Value(x.Unit),
		Start: d.start(in.StartTime, period), End: in.EndTime, Period: period, Percentiles: q.statistic.Percentile(),
	}
	return nil
}

func wrongPeriod(member string) error {
	return invalid("The parameter %s must be a value in the set [ 1, 5, 10, 20, 30 ] or a multiple of 60.", member)
}

func wrongExpression(id string, err error) error {
	return validation("Error in expression '%s': %s", id, err)
}
