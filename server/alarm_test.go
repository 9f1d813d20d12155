package server_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/millrace/millrace/server"
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
	if err := json.Unmarshal([]byte(c.receive(t, "subscribed", ".*")), &envelope); err != nil || envelope.Subject != `ALARM: "late" in US East (N. Virginia)` {
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

// Where policies are asked, they have to let alarms in: that of a topic lets those of its own account, that of a function none that
// it does not name. Otherwise whoever may make an alarm could run every function.
func TestAlarmsAskPolicies(t *testing.T) {
	address := judging(t, server.AuthIAM)
	c, _ := as(address, root)
	topic, err := c.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("told")})
	if err != nil {
		t.Fatal(err)
	}
	must(t, address, root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	made, err := c.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("told"), Role: aws.String("arn:aws:iam::000000000000:role/worker"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("h"),
		Code: &lambdatypes.FunctionCode{ZipFile: zipped(t, loop)},
	})
	if err != nil {
		t.Fatal(err)
	}
	options := awsConfig(address, "", "")
	options.Credentials = credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, "")
	alarms := cloudwatch.NewFromConfig(options)
	if _, err := alarms.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("late"), Namespace: aws.String("N"), MetricName: aws.String("m"), Statistic: cwtypes.StatisticMaximum, Period: aws.Int32(86400),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		AlarmActions: []string{*made.FunctionArn, *topic.TopicArn}, OKActions: []string{*made.FunctionArn},
	}); err != nil {
		t.Fatal(err)
	}
	turn := func(to cwtypes.StateValue, done string) {
		t.Helper()
		if _, err := alarms.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("late"), StateValue: to, StateReason: aws.String("a test")}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "carried out: "+done, func() bool { return slices.Contains(actionsOf(t, alarms), "Successfully executed action "+done) })
	}
	turn(cwtypes.StateValueAlarm, *topic.TopicArn)
	if told := actionsOf(t, alarms); len(told) != 1 {
		t.Errorf("%q", told)
	}
	if _, err := c.lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: aws.String("told"), StatementId: aws.String("alarms"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("lambda.alarms.cloudwatch.amazonaws.com"), SourceArn: aws.String("arn:aws:cloudwatch:us-east-1:000000000000:alarm:late"),
	}); err != nil {
		t.Fatal(err)
	}
	turn(cwtypes.StateValueOk, *made.FunctionArn)
}

// actionsOf returns what the history of the alarm tells of its actions.
func actionsOf(t *testing.T, alarms *cloudwatch.Client) (told []string) {
	t.Helper()
	out, err := alarms.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("late"), HistoryItemType: cwtypes.HistoryItemTypeAction})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range out.AlarmHistoryItems {
		told = append(told, *i.HistorySummary)
	}
	return told
}
