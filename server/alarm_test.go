package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// An alarm tells a topic and a function of its state, in AWS's words.
func TestAlarmActions(t *testing.T) {
	url := start(t)
	c := connect(url)
	c.prepare(t)
	deploy(t, url, "told", `handle() { echo "$1" >&2; echo 1; }`, ``)
	alarms := cloudwatch.NewFromConfig(awsConfig(url, "AKIDEXAMPLE", "secret"))
	if _, err := alarms.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("late"), Namespace: aws.String("N"), MetricName: aws.String("m"), Statistic: cwtypes.StatisticMaximum, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		AlarmActions: []string{topicARN, "arn:aws:lambda:us-east-1:000000000000:function:told"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := alarms.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{
		AlarmName: aws.String("late"), StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("a test"),
	}); err != nil {
		t.Fatal(err)
	}
	var envelope struct{ Subject, Message string }
	if err := json.Unmarshal([]byte(c.receive(t, "subscribed")), &envelope); err != nil || envelope.Subject != `ALARM: "late" in US East (N. Virginia)` {
		t.Errorf("%+v %v", envelope, err)
	}
	var message struct {
		AlarmName, NewStateValue, OldStateValue, NewStateReason string
		Trigger                                                 struct{ MetricName, Statistic string }
	}
	if err := json.Unmarshal([]byte(envelope.Message), &message); err != nil || message.NewStateValue != "ALARM" || message.OldStateValue != "INSUFFICIENT_DATA" || message.Trigger.Statistic != "MAXIMUM" {
		t.Errorf("%s %v", envelope.Message, err)
	}
	eventually(t, "the function has run", func() bool {
		_, lines := eventsOf(t, url, "/aws/lambda/told")
		return strings.Contains(strings.Join(lines, ""), "REPORT RequestId")
	})
	eventually(t, "both actions are in the history", func() bool {
		out, err := alarms.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("late"), HistoryItemType: cwtypes.HistoryItemTypeAction})
		return err == nil && len(out.AlarmHistoryItems) == 2 && strings.HasPrefix(*out.AlarmHistoryItems[0].HistorySummary, "Successfully")
	})
}
