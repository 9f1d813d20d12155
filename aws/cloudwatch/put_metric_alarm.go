package cloudwatch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/metric"
)

// alarmName is the name of an alarm of who calls.
func alarmName(ctx context.Context, name string) alarm.Name {
	call := protocol.CallFrom(ctx)
	return alarm.Name{Account: call.Account, Region: call.Region, Name: name}
}

// PutMetricAlarm makes an alarm on a metric, or on an expression over metrics, or gives it another definition.
func (d *Door) PutMetricAlarm(ctx context.Context, in *PutMetricAlarmInput) error {
	definition, err := d.definition(ctx, in)
	if err != nil {
		return err
	}
	if len(in.Tags) > 50 {
		return invalid("The collection Tags must not have a size greater than 50.")
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return err
	}
	return translate(d.Alarms.Put(ctx, alarmName(ctx, in.AlarmName), definition, tags))
}

func (d *Door) definition(ctx context.Context, in *PutMetricAlarmInput) (alarm.Definition, error) {
	a := alarm.Definition{
		Description: in.AlarmDescription, Muted: in.ActionsEnabled != nil && !*in.ActionsEnabled,
		OKActions: in.OKActions, Actions: in.AlarmActions, UnknownActions: in.InsufficientDataActions,
		Periods: in.EvaluationPeriods, Datapoints: in.EvaluationPeriods, Comparison: in.ComparisonOperator,
		Missing: protocol.Value(in.TreatMissingData), LowSamples: protocol.Value(in.EvaluateLowSampleCountPercentile),
	}
	switch {
	case in.ThresholdMetricId != nil, !alarm.Comparable(in.ComparisonOperator):
		return a, invalid("Anomaly detection is not carried out by this server: ThresholdMetricId and %s are not supported.", in.ComparisonOperator)
	case in.Threshold == nil:
		return a, missing("The parameter Threshold is required.")
	case a.Missing != "" && !slices.Contains([]string{"missing", "ignore", "breaching", "notBreaching"}, a.Missing):
		return a, invalid("The value %s is unsupported for parameter TreatMissingData. Supported values are [breaching, notBreaching, ignore, missing].", a.Missing)
	case a.LowSamples == "ignore":
		return a, invalid("The value ignore for parameter EvaluateLowSampleCountPercentile is not supported by this server.")
	case a.LowSamples != "" && a.LowSamples != "evaluate":
		return a, invalid("The value %s is unsupported for parameter EvaluateLowSampleCountPercentile.", a.LowSamples)
	}
	a.Threshold = *in.Threshold
	if err := checkNumber("Threshold", a.Threshold); err != nil {
		return a, err
	}
	if in.DatapointsToAlarm != nil {
		a.Datapoints, a.DatapointsGiven = *in.DatapointsToAlarm, true
		if a.Datapoints > a.Periods {
			return a, validation("The parameter DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
		}
	}
	for _, actions := range [][]string{a.OKActions, a.Actions, a.UnknownActions} {
		for _, target := range actions {
			if err := checkAction(target); err != nil {
				return a, err
			}
		}
	}
	if err := watch(&a, in); err != nil {
		return a, err
	}
	return a, d.checkWatch(ctx, &a)
}

// checkAction refuses actions that this server does not carry out.
func checkAction(target string) error {
	a, err := arn.Parse(target)
	if err != nil || a.Service != "sns" && (a.Service != "lambda" || !strings.HasPrefix(a.Resource, "function:")) {
		return invalid("Invalid ARN supplied for an action: %s. Topics and functions are supported.", target)
	}
	return nil
}

// watch reads what is to be watched: a metric, or queries.
func watch(a *alarm.Definition, in *PutMetricAlarmInput) error {
	if len(in.Metrics) > 0 {
		if in.MetricName != nil || in.Namespace != nil || in.Statistic != nil || in.ExtendedStatistic != nil || in.Period != nil || in.Unit != nil || len(in.Dimensions) > 0 {
			return validation("Metrics list and MetricName, Namespace, Dimensions, Period, Unit, Statistic and ExtendedStatistic are mutually exclusive.")
		}
		for i := range in.Metrics {
			a.Queries = append(a.Queries, newAlarmQuery(&in.Metrics[i]))
		}
		return nil
	}
	stat := protocol.Value(in.Statistic)
	switch {
	case in.MetricName == nil || in.Namespace == nil:
		return validation("Exactly one of MetricName with Namespace and Metrics must be specified.")
	case in.Period == nil:
		return missing("The parameter Period is required.")
	case in.Statistic != nil && in.ExtendedStatistic != nil:
		return combination("The parameters Statistic and ExtendedStatistic are mutually exclusive and you have specified both.")
	case in.ExtendedStatistic != nil:
		stat = *in.ExtendedStatistic
		if s, err := metric.ParseStatistic(stat); err != nil || !s.Percentile() {
			return invalid("The value %s for parameter ExtendedStatistic is not supported.", stat)
		}
	case in.Statistic == nil:
		return missing("At least one of the parameters Statistic and ExtendedStatistic must be specified.")
	}
	a.Simple = true
	a.Queries = []alarm.Query{{
		ID: onlyID, Namespace: *in.Namespace, Metric: *in.MetricName, Dimensions: dimensionsIn(in.Dimensions), Period: *in.Period, Stat: stat, Unit: protocol.Value(in.Unit),
	}}
	return nil
}

func newAlarmQuery(x *MetricDataQuery) alarm.Query {
	q := alarm.Query{ID: x.Id, Expression: protocol.Value(x.Expression), Label: x.Label, Hidden: x.ReturnData != nil && !*x.ReturnData}
	if x.Period != nil {
		q.Period = *x.Period
	}
	if s := x.MetricStat; s != nil {
		q.Period, q.Stat, q.Unit = s.Period, s.Stat, protocol.Value(s.Unit)
		if s.Metric != nil {
			q.Namespace, q.Metric, q.Dimensions = protocol.Value(s.Metric.Namespace), protocol.Value(s.Metric.MetricName), dimensionsIn(s.Metric.Dimensions)
		}
	}
	return q
}

// checkWatch judges what is watched as GetMetricData would.
func (d *Door) checkWatch(ctx context.Context, a *alarm.Definition) error {
	shown := 0
	for _, q := range a.Queries {
		if !q.Hidden {
			shown++
		}
		if q.Expression == "" && (q.Namespace == "" || q.Metric == "") {
			return validation("The metric of query %s must have a namespace and a name.", q.ID)
		}
		if p := q.Period; q.Expression == "" && p != 10 && p != 20 && p != 30 && (p < 60 || p%60 != 0) {
			return validation("Period must be 10, 20, 30 or a multiple of 60.")
		}
	}
	if len(a.Queries) > 10 || shown != 1 {
		return validation("An alarm has up to 10 queries, of which exactly one returns data.")
	}
	longest := 24 * time.Hour
	if a.Period() >= time.Hour {
		longest = 7 * 24 * time.Hour
	}
	if time.Duration(a.Periods) > longest/a.Period() {
		return validation("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or a week when periods are an hour or longer.")
	}
	now := d.Clock.Now()
	_, err := d.newRequest(ctx, &GetMetricDataInput{MetricDataQueries: newQueries(a.Queries, false), StartTime: now.Add(-time.Hour), EndTime: now})
	return err
}
