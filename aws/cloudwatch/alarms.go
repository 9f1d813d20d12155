package cloudwatch

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/metric"
)

// maxAlarmPage is how many alarms, or items of histories, an answer has at most, and unless asked for.
const maxAlarmPage, usualAlarmPage = 100, 50

// page cuts a list to an answer; the token is where the next one begins.
func page[T any](list []T, most *int, token *string) ([]T, *string, error) {
	limit := usualAlarmPage
	if most != nil {
		limit = min(*most, maxAlarmPage)
	}
	from, err := readToken(protocol.Value(token))
	if err != nil {
		return nil, nil, err
	}
	list = list[min(from, len(list)):]
	if len(list) <= limit {
		return list, nil, nil
	}
	return list[:limit], new(base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(from + limit)))), nil
}

// DescribeAlarms lists alarms on metrics; there are no others.
func (d *Door) DescribeAlarms(ctx context.Context, in *DescribeAlarmsInput) (*DescribeAlarmsOutput, error) {
	switch {
	case in.ChildrenOfAlarmName != nil || in.ParentsOfAlarmName != nil:
		return nil, invalid("Composite alarms are not carried out by this server: ChildrenOfAlarmName and ParentsOfAlarmName are not supported.")
	case len(in.AlarmNames) > 0 && in.AlarmNamePrefix != nil:
		return nil, combination("AlarmNames and AlarmNamePrefix are mutually exclusive and you have specified both.")
	}
	out := &DescribeAlarmsOutput{MetricAlarms: []MetricAlarm{}, CompositeAlarms: []CompositeAlarm{}}
	if len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, AlarmTypeMetricAlarm) {
		return out, nil
	}
	call := protocol.CallFrom(ctx)
	list := d.Alarms.List(call.Account, call.Region, func(a alarm.Alarm) bool {
		return (len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.Name.Name)) &&
			strings.HasPrefix(a.Name.Name, protocol.Value(in.AlarmNamePrefix)) &&
			(in.StateValue == nil || string(a.State) == *in.StateValue) &&
			(in.ActionPrefix == nil || slices.ContainsFunc(slices.Concat(a.OKActions, a.Actions, a.UnknownActions), func(target string) bool {
				return strings.HasPrefix(target, *in.ActionPrefix)
			}))
	})
	list, token, err := page(list, in.MaxRecords, in.NextToken)
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		out.MetricAlarms = append(out.MetricAlarms, newMetricAlarm(a))
	}
	out.NextToken = token
	return out, nil
}

// DescribeAlarmsForMetric lists the alarms that watch a metric by itself.
func (d *Door) DescribeAlarmsForMetric(ctx context.Context, in *DescribeAlarmsForMetricInput) (*DescribeAlarmsForMetricOutput, error) {
	stat := protocol.Value(in.Statistic) + protocol.Value(in.ExtendedStatistic)
	wanted := func(a alarm.Alarm) bool {
		q := a.Queries[0]
		return a.Simple && q.Namespace == in.Namespace && q.Metric == in.MetricName && sameDimensions(q.Dimensions, in.Dimensions) &&
			(stat == "" || q.Stat == stat) && (in.Period == nil || q.Period == *in.Period) && (in.Unit == nil || q.Unit == *in.Unit)
	}
	call := protocol.CallFrom(ctx)
	out := &DescribeAlarmsForMetricOutput{MetricAlarms: []MetricAlarm{}}
	for _, a := range d.Alarms.List(call.Account, call.Region, wanted) {
		out.MetricAlarms = append(out.MetricAlarms, newMetricAlarm(a))
	}
	return out, nil
}

func sameDimensions(a []alarm.Dimension, b []Dimension) bool {
	have, want := map[string]string{}, map[string]string{}
	for _, d := range a {
		have[d.Name] = d.Value
	}
	for _, d := range b {
		want[d.Name] = d.Value
	}
	return maps.Equal(have, want)
}

// newMetricAlarm is an alarm as clients see it.
func newMetricAlarm(a alarm.Alarm) MetricAlarm {
	out := MetricAlarm{
		AlarmName: &a.Name.Name, AlarmArn: new(a.Name.ARN()), AlarmDescription: a.Description, AlarmConfigurationUpdatedTimestamp: &a.Configured,
		ActionsEnabled: new(!a.Muted), OKActions: list(a.OKActions), AlarmActions: list(a.Actions), InsufficientDataActions: list(a.UnknownActions),
		StateValue: new(string(a.State)), StateReason: &a.Reason, StateUpdatedTimestamp: &a.Updated, StateTransitionedTimestamp: &a.Transitioned,
		EvaluationPeriods: &a.Periods, Threshold: &a.Threshold, ComparisonOperator: &a.Comparison, Dimensions: []Dimension{},
	}
	if a.ReasonData != "" {
		out.StateReasonData = &a.ReasonData
	}
	if a.DatapointsGiven {
		out.DatapointsToAlarm = &a.Datapoints
	}
	if a.Missing != "" {
		out.TreatMissingData = &a.Missing
	}
	if a.LowSamples != "" {
		out.EvaluateLowSampleCountPercentile = &a.LowSamples
	}
	if !a.Simple {
		out.Metrics = newQueries(a.Queries, true)
		return out
	}
	q := a.Queries[0]
	out.MetricName, out.Namespace, out.Period = &q.Metric, &q.Namespace, &q.Period
	out.Dimensions = append(out.Dimensions, newDimensions(q)...)
	if s, err := metric.ParseStatistic(q.Stat); err == nil && s.Percentile() {
		out.ExtendedStatistic = &q.Stat
	} else {
		out.Statistic = &q.Stat
	}
	if q.Unit != "" {
		out.Unit = &q.Unit
	}
	return out
}

// list is a list that is there, even without elements.
func list(of []string) []string {
	if of == nil {
		return []string{}
	}
	return of
}

// DescribeAlarmHistory tells what befell alarms, the newest first.
func (d *Door) DescribeAlarmHistory(ctx context.Context, in *DescribeAlarmHistoryInput) (*DescribeAlarmHistoryOutput, error) {
	items, err := d.Alarms.History(ctx, alarmName(ctx, protocol.Value(in.AlarmName)))
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(i alarm.Item) bool {
		return in.HistoryItemType != nil && i.Kind != *in.HistoryItemType || in.StartDate != nil && i.Time.Before(*in.StartDate) || in.EndDate != nil && i.Time.After(*in.EndDate)
	})
	if protocol.Value(in.ScanBy) != ScanByTimestampAscending {
		slices.Reverse(items)
	}
	items, token, err := page(items, in.MaxRecords, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &DescribeAlarmHistoryOutput{AlarmHistoryItems: []AlarmHistoryItem{}, NextToken: token}
	for _, i := range items {
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, AlarmHistoryItem{
			AlarmName: &i.Alarm, AlarmType: new(AlarmTypeMetricAlarm), Timestamp: &i.Time, HistoryItemType: &i.Kind, HistorySummary: &i.Summary, HistoryData: &i.Data,
		})
	}
	return out, nil
}

// DeleteAlarms deletes alarms; those that are not there are no error.
func (d *Door) DeleteAlarms(ctx context.Context, in *DeleteAlarmsInput) error {
	var names []alarm.Name
	for _, name := range in.AlarmNames {
		names = append(names, alarmName(ctx, name))
	}
	return translate(d.Alarms.Delete(ctx, names...))
}

// SetAlarmState gives an alarm a state until it is looked at next.
func (d *Door) SetAlarmState(ctx context.Context, in *SetAlarmStateInput) error {
	return translate(d.Alarms.SetState(ctx, alarmName(ctx, in.AlarmName), alarm.State(in.StateValue), in.StateReason, protocol.Value(in.StateReasonData)))
}

// EnableAlarmActions has the actions of alarms carried out.
func (d *Door) EnableAlarmActions(ctx context.Context, in *EnableAlarmActionsInput) error {
	return d.mute(ctx, in.AlarmNames, false)
}

// DisableAlarmActions has them not carried out.
func (d *Door) DisableAlarmActions(ctx context.Context, in *DisableAlarmActionsInput) error {
	return d.mute(ctx, in.AlarmNames, true)
}

func (d *Door) mute(ctx context.Context, names []string, muted bool) error {
	for _, name := range names {
		if _, err := d.Alarms.Get(alarmName(ctx, name)); err != nil {
			continue
		}
		if err := d.Alarms.Mute(ctx, alarmName(ctx, name), muted); err != nil {
			return translate(err)
		}
	}
	return nil
}

// tagged is the alarm that an ARN names.
func tagged(ctx context.Context, resource string) (alarm.Name, error) {
	a, err := arn.Parse(resource)
	name, isAlarm := strings.CutPrefix(a.Resource, "alarm:")
	if err != nil || a.Service != "cloudwatch" || !isAlarm {
		return alarm.Name{}, invalid("Invalid ARN: %s", resource)
	}
	n := alarmName(ctx, name)
	if n.Account != a.Account || n.Region != a.Region {
		return n, translate(alarm.ErrNotFound)
	}
	return n, nil
}

// ListTagsForResource lists the tags of an alarm.
func (d *Door) ListTagsForResource(ctx context.Context, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	name, err := tagged(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	a, err := d.Alarms.Get(name)
	if err != nil {
		return nil, translate(err)
	}
	out := &ListTagsForResourceOutput{Tags: []Tag{}}
	for _, key := range slices.Sorted(maps.Keys(a.Tags)) {
		out.Tags = append(out.Tags, Tag{Key: key, Value: a.Tags[key]})
	}
	return out, nil
}

// TagResource adds tags to an alarm.
func (d *Door) TagResource(ctx context.Context, in *TagResourceInput) (*TagResourceOutput, error) {
	name, err := tagged(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	more, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return &TagResourceOutput{}, translate(d.Alarms.Retag(ctx, name, func(tags map[string]string) { maps.Copy(tags, more) }))
}

// readTags returns tags as the room wants them, and refuses those that only AWS's own services set.
func readTags(list []Tag) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		if protocol.IsReservedTag(t.Key) {
			return nil, invalid(protocol.ReservedTag)
		}
		tags[t.Key] = t.Value
	}
	return tags, nil
}

// UntagResource removes tags from an alarm.
func (d *Door) UntagResource(ctx context.Context, in *UntagResourceInput) (*UntagResourceOutput, error) {
	name, err := tagged(ctx, in.ResourceARN)
	if err == nil {
		err = translate(d.Alarms.Retag(ctx, name, func(tags map[string]string) {
			for _, key := range in.TagKeys {
				delete(tags, key)
			}
		}))
	}
	return &UntagResourceOutput{}, err
}
