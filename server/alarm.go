package server

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/metric"
)

// alarmActor tells topics and functions of alarms, in AWS's words.
type alarmActor struct {
	topics     destination
	functions  *function.Service
	judge      *resources // whose policies have to let alarms in; nil when they are not asked
	topicsHere bool       // and theirs are known
}

// The services of AWS's that act for alarms.
const (
	alarmService         = "cloudwatch.amazonaws.com"
	alarmFunctionService = "lambda.alarms.cloudwatch.amazonaws.com"
)

// Act implements alarm.Actor.
func (a alarmActor) Act(ctx context.Context, target string, e alarm.Event) error {
	to, err := arn.Parse(target)
	if err != nil {
		return err
	}
	name := e.Alarm.Name
	if to.Service == "lambda" {
		ref, err := function.ParseRef(target, name.Account, name.Region)
		if err != nil {
			return err
		}
		if err := a.mayInvoke(ctx, ref, e.Alarm.Name); err != nil {
			return err
		}
		body, err := json.Marshal(newAlarmEvent(e))
		if err != nil {
			return err
		}
		return a.functions.InvokeAsync(ctx, function.Invocation{Ref: ref, Payload: body, Vouched: true})
	}
	send := a.topics["sns"]
	if send == nil {
		return nobody("sns")
	}
	if err := a.mayPublish(ctx, target, to.Account, name); err != nil {
		return err
	}
	body, err := json.Marshal(newAlarmMessage(e))
	if err != nil {
		return err
	}
	subject := []rune(fmt.Sprintf("%s: \"%s\" in %s", e.Alarm.State, name.Name, regionName(name.Region)))
	return send(ctx, to, function.Notice{Account: name.Account, Region: name.Region, Body: body, Subject: string(subject[:min(len(subject), 100)])})
}

// mayPublish returns nil when an alarm may tell a topic. One without a policy of its own lets in what is its account's, as the policy
// says that AWS gives to each.
func (a alarmActor) mayPublish(ctx context.Context, target, account string, by alarm.Name) error {
	if a.judge == nil || !a.topicsHere || account == by.Account && a.judge.policyOf(ctx, target) == "" {
		return nil
	}
	return a.judge.letIn(ctx, alarmService, "sns:Publish", target, by.ARN(), by.Account)
}

// mayInvoke returns nil when an alarm may invoke a function, which is of its account.
func (a alarmActor) mayInvoke(ctx context.Context, ref function.Ref, by alarm.Name) error {
	if a.judge == nil {
		return nil
	}
	return a.judge.letIn(ctx, alarmFunctionService, "lambda:InvokeFunction", ref.ARN(), by.ARN(), by.Account)
}

// alarmTime is the form of times in messages about alarms.
const alarmTime = "2006-01-02T15:04:05.000-0700"

// alarmMessage is what a topic is told.
type alarmMessage struct {
	AlarmName                          string
	AlarmDescription                   *string
	AWSAccountId                       string
	AlarmConfigurationUpdatedTimestamp string
	NewStateValue                      alarm.State
	NewStateReason                     string
	StateChangeTime                    string
	Region                             string
	AlarmArn                           string
	OldStateValue                      alarm.State
	OKActions                          []string
	AlarmActions                       []string
	InsufficientDataActions            []string
	Trigger                            alarmTrigger
}

// alarmTrigger is what the alarm watches: a metric, or queries.
type alarmTrigger struct {
	MetricName                       string             `json:",omitempty"`
	Namespace                        string             `json:",omitempty"`
	StatisticType                    string             `json:",omitempty"`
	Statistic                        string             `json:",omitempty"`
	ExtendedStatistic                string             `json:",omitempty"`
	Unit                             *string            `json:",omitempty"`
	Dimensions                       []triggerDimension `json:",omitempty"`
	Period                           int
	EvaluationPeriods                int
	DatapointsToAlarm                int
	ComparisonOperator               string
	Threshold                        float64
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
	Metrics                          []triggerMetric `json:",omitempty"`
}

type triggerDimension struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

type triggerMetric struct {
	ID         string       `json:"Id"`
	Expression string       `json:",omitempty"`
	Label      *string      `json:",omitempty"`
	MetricStat *triggerStat `json:",omitempty"`
	ReturnData bool
}

type triggerStat struct {
	Metric struct {
		Dimensions []triggerDimension
		MetricName string
		Namespace  string
	}
	Period int
	Stat   string
}

func newAlarmMessage(e alarm.Event) alarmMessage {
	a := e.Alarm
	return alarmMessage{
		AlarmName: a.Name.Name, AlarmDescription: a.Description, AWSAccountId: a.Name.Account,
		AlarmConfigurationUpdatedTimestamp: a.Configured.UTC().Format(alarmTime), NewStateValue: a.State, NewStateReason: a.Reason,
		StateChangeTime: a.Updated.UTC().Format(alarmTime), Region: regionName(a.Name.Region), AlarmArn: a.Name.ARN(), OldStateValue: e.Previous.State,
		OKActions: some(a.OKActions), AlarmActions: some(a.Actions), InsufficientDataActions: some(a.UnknownActions), Trigger: newTrigger(&a.Definition),
	}
}

// some is a list that is there, even without elements.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func newTrigger(d *alarm.Definition) alarmTrigger {
	t := alarmTrigger{
		Period: int(d.Period() / time.Second), EvaluationPeriods: d.Periods, DatapointsToAlarm: d.Datapoints, ComparisonOperator: d.Comparison,
		Threshold: d.Threshold, TreatMissingData: d.Missing, EvaluateLowSampleCountPercentile: d.LowSamples,
	}
	if d.Simple {
		q := d.Queries[0]
		t.MetricName, t.Namespace, t.Dimensions = q.Metric, q.Namespace, triggerDimensions(q)
		if q.Unit != "" {
			t.Unit = &q.Unit
		}
		t.StatisticType, t.Statistic = "Statistic", triggerStatistics[q.Stat]
		if s, err := metric.ParseStatistic(q.Stat); err == nil && s.Percentile() {
			t.StatisticType, t.ExtendedStatistic = "ExtendedStatistic", q.Stat
		}
		return t
	}
	for _, q := range d.Queries {
		m := triggerMetric{ID: q.ID, Expression: q.Expression, Label: q.Label, ReturnData: !q.Hidden}
		if q.Expression == "" {
			m.MetricStat = &triggerStat{Period: q.Period, Stat: q.Stat}
			m.MetricStat.Metric.Dimensions, m.MetricStat.Metric.MetricName, m.MetricStat.Metric.Namespace = triggerDimensions(q), q.Metric, q.Namespace
		}
		t.Metrics = append(t.Metrics, m)
	}
	return t
}

// triggerStatistics are statistics as messages name them.
var triggerStatistics = map[string]string{"Average": "AVERAGE", "Sum": "SUM", "Minimum": "MINIMUM", "Maximum": "MAXIMUM", "SampleCount": "SAMPLE_COUNT"}

func triggerDimensions(q alarm.Query) []triggerDimension {
	all := []triggerDimension{}
	for _, d := range q.Dimensions {
		all = append(all, triggerDimension{d.Value, d.Name})
	}
	return all
}

// alarmEvent is what a function is told.
type alarmEvent struct {
	Source    string `json:"source"`
	AlarmARN  string `json:"alarmArn"`
	AccountID string `json:"accountId"`
	Time      string `json:"time"`
	Region    string `json:"region"`
	Data      struct {
		Name          string             `json:"alarmName"`
		State         alarmState         `json:"state"`
		Previous      alarmState         `json:"previousState"`
		Configuration alarmConfiguration `json:"configuration"`
	} `json:"alarmData"`
}

type alarmState struct {
	Value  alarm.State `json:"value"`
	Reason string      `json:"reason"`
	Data   string      `json:"reasonData,omitempty"`
	Time   string      `json:"timestamp"`
}

type alarmConfiguration struct {
	Description string        `json:"description,omitempty"`
	Metrics     []eventMetric `json:"metrics"`
}

type eventMetric struct {
	ID         string     `json:"id"`
	Expression string     `json:"expression,omitempty"`
	Label      *string    `json:"label,omitempty"`
	MetricStat *eventStat `json:"metricStat,omitempty"`
	ReturnData bool       `json:"returnData"`
}

type eventStat struct {
	Metric struct {
		Namespace  string            `json:"namespace"`
		Name       string            `json:"name"`
		Dimensions map[string]string `json:"dimensions"`
	} `json:"metric"`
	Period int    `json:"period"`
	Stat   string `json:"stat"`
}

func newAlarmEvent(e alarm.Event) alarmEvent {
	a := e.Alarm
	out := alarmEvent{Source: "aws.cloudwatch", AlarmARN: a.Name.ARN(), AccountID: a.Name.Account, Time: a.Updated.UTC().Format(alarmTime), Region: a.Name.Region}
	state := func(c alarm.Condition) alarmState {
		return alarmState{c.State, c.Reason, c.ReasonData, c.Updated.UTC().Format(alarmTime)}
	}
	out.Data.Name, out.Data.State, out.Data.Previous = a.Name.Name, state(a.Condition), state(e.Previous)
	if a.Description != nil {
		out.Data.Configuration.Description = *a.Description
	}
	for _, q := range a.Queries {
		m := eventMetric{ID: q.ID, Expression: q.Expression, Label: q.Label, ReturnData: !q.Hidden}
		if q.Expression == "" {
			m.MetricStat = &eventStat{Period: q.Period, Stat: q.Stat}
			m.MetricStat.Metric.Namespace, m.MetricStat.Metric.Name, m.MetricStat.Metric.Dimensions = q.Namespace, q.Metric, map[string]string{}
			for _, d := range q.Dimensions {
				m.MetricStat.Metric.Dimensions[d.Name] = d.Value
			}
		}
		out.Data.Configuration.Metrics = append(out.Data.Configuration.Metrics, m)
	}
	return out
}

// regionNames are regions as people call them, which messages do.
var regionNames = map[string]string{
	"us-east-1": "US East (N. Virginia)", "us-east-2": "US East (Ohio)", "us-west-1": "US West (N. California)", "us-west-2": "US West (Oregon)",
	"eu-west-1": "EU (Ireland)", "eu-west-2": "EU (London)", "eu-west-3": "EU (Paris)", "eu-central-1": "EU (Frankfurt)", "eu-north-1": "EU (Stockholm)",
	"ap-northeast-1": "Asia Pacific (Tokyo)", "ap-southeast-1": "Asia Pacific (Singapore)", "ap-southeast-2": "Asia Pacific (Sydney)",
	"ap-south-1": "Asia Pacific (Mumbai)", "ca-central-1": "Canada (Central)", "sa-east-1": "South America (Sao Paulo)",
}

func regionName(region string) string {
	if name, ok := regionNames[region]; ok {
		return name
	}
	return region
}
