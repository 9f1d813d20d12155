package server_test

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/millrace/millrace/server"
)

// statement is a policy of one statement.
func statement(members string) string {
	return `{"Version":"2012-10-17","Statement":{` + members + `}}`
}

// may gives a user a policy of one statement.
func mayDo(t *testing.T, address, user, members string) {
	t.Helper()
	must(t, address, root, "PutUserPolicy", "UserName", user, "PolicyName", "p", "PolicyDocument", statement(members))
}

// Who is in a group may do what the group may, and what somebody's tags are counts as much as a resource's.
func TestGroupsAndTags(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	c, who := as(address, ann)
	boss, _ := as(address, root)
	must(t, address, root, "CreateGroup", "GroupName", "team")
	must(t, address, root, "PutGroupPolicy", "GroupName", "team", "PolicyName", "own", "PolicyDocument",
		statement(`"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/Team}"}}`))
	send := func(client *sqs.Client, name string) error {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(address + "/000000000000/" + name), MessageBody: aws.String("x")})
		return err
	}
	for name, team := range map[string]string{"ours": "a", "theirs": "b"} {
		if _, err := boss.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name), Tags: map[string]string{"Team": team}}); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, "before", send(c.sqs, "ours"), "AccessDeniedException", "because no identity-based policy allows the sqs:SendMessage action")
	must(t, address, root, "AddUserToGroup", "GroupName", "team", "UserName", "ann")
	refused(t, "without a tag", send(c.sqs, "ours"), "AccessDeniedException", "no identity-based policy")
	must(t, address, root, "TagUser", "UserName", "ann", "Tags.member.1.Key", "team", "Tags.member.1.Value", "a")
	if err := send(c.sqs, "ours"); err != nil {
		t.Error(err)
	}
	refused(t, "another team's", send(c.sqs, "theirs"), "AccessDeniedException", "no identity-based policy")

	// The same by the tags of a session, for which the role has to let tags in.
	const arn = "arn:aws:iam::000000000000:role/job"
	trust := func(actions string) string {
		return statement(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/ann"},"Action":` + actions)
	}
	must(t, address, root, "CreateRole", "RoleName", "job", "AssumeRolePolicyDocument", trust(`"sts:AssumeRole"`))
	must(t, address, root, "PutRolePolicy", "RoleName", "job", "PolicyName", "own", "PolicyDocument",
		statement(`"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/Team}"}}`))
	assume := &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("job"), Tags: []ststypes.Tag{{Key: aws.String("TEAM"), Value: aws.String("b")}}}
	_, err := who.AssumeRole(t.Context(), assume)
	refused(t, "tags that the role does not let in", err, "AccessDenied", "is not authorized to perform: sts:TagSession on resource: "+arn)
	must(t, address, root, "UpdateAssumeRolePolicy", "RoleName", "job", "PolicyDocument", trust(`["sts:AssumeRole","sts:TagSession"]`))
	got, err := who.AssumeRole(t.Context(), assume)
	if err != nil {
		t.Fatal(err)
	}
	job, _ := as(address, aws.Credentials{AccessKeyID: *got.Credentials.AccessKeyId, SecretAccessKey: *got.Credentials.SecretAccessKey, SessionToken: *got.Credentials.SessionToken})
	if err := send(job.sqs, "theirs"); err != nil {
		t.Error(err)
	}
	refused(t, "ours to the session", send(job.sqs, "ours"), "AccessDeniedException", "no identity-based policy")
	// Who gives tags needs the leave to give them.
	mayDo(t, address, "ann", `"Effect":"Allow","Action":"sqs:CreateQueue","Resource":"*"`)
	_, err = c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"a": "b"}})
	refused(t, "tags of a new queue", err, "AccessDeniedException", "sqs:TagQueue")
}

// What a topic brings is let in by the policies of queues, as on AWS.
func TestTopicsNeedLeave(t *testing.T) {
	address := judging(t, server.AuthIAM)
	boss, _ := as(address, root)
	queues := map[string]string{}
	for _, name := range []string{"q", "dead"} {
		made, err := boss.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		queues[name] = *made.QueueUrl
	}
	topic, err := boss.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	letIn := func(queue, source string) {
		t.Helper()
		_, err := boss.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: aws.String(queues[queue]), Attributes: map[string]string{
			"Policy": statement(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:` + queue + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + source + `"}}`),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range [][2]string{{"sqs", "arn:aws:sqs:us-east-1:000000000000:q"}, {"lambda", "arn:aws:lambda:us-east-1:000000000000:function:f"}} {
		_, err := boss.sns.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: topic.TopicArn, Protocol: aws.String(s[0]), Endpoint: aws.String(s[1]),
			Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}`},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	receive := func(queue string, wait int32) (all string) {
		t.Helper()
		got, err := boss.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queues[queue]), WaitTimeSeconds: wait, MaxNumberOfMessages: 10, VisibilityTimeout: 0})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			all += *m.Body
			_, _ = boss.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String(queues[queue]), ReceiptHandle: m.ReceiptHandle})
		}
		return all
	}
	publish := func(text string) {
		t.Helper()
		if _, err := boss.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String(text)}); err != nil {
			t.Fatal(err)
		}
	}
	letIn("dead", *topic.TopicArn)
	letIn("q", *topic.TopicArn+"2")
	publish("first")
	if got := receive("dead", 5); !strings.Contains(got, "first") {
		t.Errorf("dead: %q", got)
	}
	if got := receive("q", 0); got != "" {
		t.Errorf("q: %q", got)
	}
	letIn("q", *topic.TopicArn)
	publish("second")
	if got := receive("q", 0); !strings.Contains(got, "second") {
		t.Errorf("q: %q", got)
	}
	testFunctionsNeedLeave(t, address, boss, *topic.TopicArn, publish, func() string { return receive("dead", 5) })
}

// testFunctionsNeedLeave goes on with the function, which exists now and lets the topic in.
func testFunctionsNeedLeave(t *testing.T, address string, boss clients, topic string, publish func(string), dead func() string) {
	must(t, address, root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument",
		statement(`"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"`))
	_, err := boss.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Runtime: "provided.al2023", Handler: aws.String("x"), Role: aws.String("arn:aws:iam::000000000000:role/worker"),
		Code: &lambdatypes.FunctionCode{ZipFile: zipped(t, "#!/bin/sh\n")}, // it fails, and says so in its log
	})
	if err != nil {
		t.Fatal(err)
	}
	logs := func() string {
		t.Helper()
		_, text := do(t, signed(t, root, http.MethodPost, address+"/", "logs", `{"logGroupName":"/aws/lambda/f"}`,
			http.Header{"X-Amz-Target": {"Logs_20140328.FilterLogEvents"}, "Content-Type": {"application/x-amz-json-1.1"}}))
		return text
	}
	publish("third")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(dead(), "third"); {
		if time.Now().After(deadline) {
			t.Fatal("what the function does not let in is not in the dead-letter queue")
		}
	}
	_, err = boss.lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: aws.String("f"), StatementId: aws.String("topic"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("sns.amazonaws.com"), SourceArn: aws.String(topic),
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := logs(); strings.Contains(text, "INIT_START") {
		t.Errorf("invoked without leave: %s", text)
	}
	publish("fourth")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(logs(), "INIT_START"); {
		if time.Now().After(deadline) {
			t.Fatal("the function is not invoked")
		}
	}
}

// Logs are judged by group and stream.
func TestLogResources(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	mayDo(t, address, "ann", `"Effect":"Allow","Action":"logs:*","Resource":["arn:aws:logs:*:000000000000:log-group:/ann/*:log-stream:","arn:aws:logs:*:000000000000:log-group:/ann/*:log-stream:own*"]`)
	logs := func(who aws.Credentials, operation, body string) (int, string) {
		t.Helper()
		return do(t, signed(t, who, http.MethodPost, address+"/", "logs", body, http.Header{"X-Amz-Target": {"Logs_20140328." + operation}, "Content-Type": {"application/x-amz-json-1.1"}}))
	}
	for _, c := range []struct {
		operation, body string
		want            int
		resource        string
	}{
		{"CreateLogGroup", `{"logGroupName":"/ann/a"}`, 200, ""},
		{"CreateLogGroup", `{"logGroupName":"/bob/a"}`, 400, "log-group:/bob/a:log-stream:"},
		{"CreateLogStream", `{"logGroupName":"/ann/a","logStreamName":"own1"}`, 200, ""},
		{"CreateLogStream", `{"logGroupName":"/ann/a","logStreamName":"other"}`, 400, "log-group:/ann/a:log-stream:other"},
		{"GetLogEvents", `{"logGroupIdentifier":"arn:aws:logs:us-east-1:000000000000:log-group:/ann/a","logStreamName":"other"}`, 400, "log-group:/ann/a:log-stream:other"},
		{"FilterLogEvents", `{"logGroupName":"/ann/a"}`, 200, ""},
		{"FilterLogEvents", `{"logGroupIdentifier":"arn:elsewhere:logs:us-east-1:000000000000:log-group:/bob/a"}`, 400, "The specified ARN is invalid."}, // of no partition
		{"FilterLogEvents", `{"logGroupIdentifier":"arn:aws:logs:us-east-1:000000000000:log-group:/bob/a"}`, 400, "arn:aws:logs:us-east-1:000000000000:log-group:/bob/a:log-stream:"},
		{"DescribeLogGroups", `{}`, 400, "log-group::log-stream:"},
		{"StartLiveTail", `{"logGroupIdentifiers":["/ann/a","arn:aws:logs:us-east-1:000000000000:log-group:/bob/a"]}`, 400, "log-group:/bob/a"},
		{"TagResource", `{"resourceArn":"arn:aws:logs:us-east-1:000000000000:log-group:/ann/a","tags":{"a":"b"}}`, 400, "log-group:/ann/a"},
	} {
		status, text := logs(ann, c.operation, c.body)
		if status != c.want || !strings.Contains(text, c.resource) {
			t.Errorf("%s %s: %d %s", c.operation, c.body, status, text)
		}
	}
}

// What is asked for is what is judged, however it is spelt.
func TestSpellings(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	c, _ := as(address, ann)
	boss, _ := as(address, root)
	boss.prepare(t)
	if _, err := boss.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("failures"), Key: aws.String("hidden/a"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	must(t, address, root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["sns:*","kinesis:*","sqs:StartMessageMoveTask","lambda:GetLayerVersion","iam:*"],"Resource":"*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"StringLike":{"s3:prefix":"public/*"}}},
		{"Effect":"Deny","Action":"*","Resource":["arn:aws:sns:*:*:secret","arn:aws:kinesis:*:*:stream/secret*","arn:aws:lambda:*:*:layer:secret*"]},
		{"Effect":"Deny","Action":"iam:*","Resource":"arn:aws:iam::*:user/bob"}]}`)
	// A topic in another partition is none.
	form := url.Values{"Action": {"GetTopicAttributes"}, "Version": {"2010-03-31"}, "TopicArn": {"arn:elsewhere:sns:us-east-1:000000000000:secret"}}
	if status, text := do(t, signed(t, ann, http.MethodPost, address+"/", "sns", form.Encode(), formType)); status != 400 || !strings.Contains(text, "Invalid parameter: TopicArn") {
		t.Errorf("topic: %d %s", status, text)
	}
	// Two prefixes, of which the first is carried out.
	list := signed(t, ann, http.MethodGet, address+"/failures?list-type=2&prefix=hidden%2F&prefix=public%2F", "s3", "", http.Header{"X-Amz-Content-Sha256": {hashOf("")}})
	if status, text := do(t, list); status != 403 || strings.Contains(text, "hidden/a") {
		t.Errorf("prefixes: %d %s", status, text)
	}
	// Messages into a queue to which nothing may be sent.
	_, err := c.sqs.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:failures"), DestinationArn: aws.String("arn:aws:sqs:us-east-1:000000000000:failures")})
	refused(t, "a move task", err, "AccessDeniedException", "sqs:ReceiveMessage")
	// Another name for who may not be touched, and his key.
	bob := newUser(t, address, "bob")
	for _, pairs := range [][]string{
		{"UpdateUser", "UserName", "ann", "NewUserName", "bob"}, {"UpdateUser", "UserName", "bob", "NewUserName", "x"}, {"GetAccessKeyLastUsed", "AccessKeyId", bob.AccessKeyID},
	} {
		if status, text := ask(t, address, ann, pairs[0], pairs[1:]...); status != 403 || !strings.Contains(text, "explicit deny") {
			t.Errorf("%v: %d %s", pairs, status, text)
		}
	}
}

// Who may give away permissions only within a boundary cannot do so beyond it, to whomever.
func TestDelegation(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	const boundary = "arn:aws:iam::aws:policy/AmazonKinesisFullAccess"
	mayDo(t, address, "ann", `"Effect":"Allow","Action":["iam:CreateRole","iam:PutRolePolicy"],"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+boundary+`"}}`)
	must(t, address, root, "CreateRole", "RoleName", "free", "AssumeRolePolicyDocument", statement(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`))
	for _, c := range []struct {
		want  int
		pairs []string
	}{
		{403, []string{"CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", statement(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`)}},
		{200, []string{"CreateRole", "RoleName", "r", "PermissionsBoundary", boundary, "AssumeRolePolicyDocument", statement(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`)}},
		{200, []string{"PutRolePolicy", "RoleName", "r", "PolicyName", "p", "PolicyDocument", statement(`"Effect":"Allow","Action":"*","Resource":"*"`)}},
		{403, []string{"PutRolePolicy", "RoleName", "free", "PolicyName", "p", "PolicyDocument", statement(`"Effect":"Allow","Action":"*","Resource":"*"`)}},
	} {
		if status, text := ask(t, address, ann, c.pairs[0], c.pairs[1:]...); status != c.want {
			t.Errorf("%v: %d %s", c.pairs, status, text)
		}
	}
}

// The account's own keys can be taken back, and sessions that are not a role's do not reach IAM.
func TestRootKeys(t *testing.T) {
	address := judging(t, server.AuthIAM)
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := xml.Unmarshal([]byte(must(t, address, root, "CreateAccessKey")), &made); err != nil {
		t.Fatal(err)
	}
	second := aws.Credentials{AccessKeyID: made.ID, SecretAccessKey: made.Secret}
	if text := must(t, address, second, "ListAccessKeys"); !strings.Contains(text, made.ID) || !strings.Contains(text, root.AccessKeyID) {
		t.Error(text)
	}
	must(t, address, root, "DeleteAccessKey", "AccessKeyId", made.ID)
	if status, text := ask(t, address, second, "ListUsers"); status != 403 || !strings.Contains(text, "InvalidClientTokenId") {
		t.Error(status, text)
	}
	_, who := as(address, root)
	got, err := who.GetSessionToken(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	session := aws.Credentials{AccessKeyID: *got.Credentials.AccessKeyId, SecretAccessKey: *got.Credentials.SecretAccessKey, SessionToken: *got.Credentials.SessionToken}
	if status, text := ask(t, address, session, "ListUsers"); status != 403 || !strings.Contains(text, "InvalidClientTokenId") {
		t.Error(status, text)
	}
	c, _ := as(address, session)
	if _, err := c.kinesis.ListStreams(t.Context(), &kinesis.ListStreamsInput{}); err != nil {
		t.Error(err)
	}
}

// A stranger who knows the id of a key leaves no trace in it.
func TestLastUsed(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	forged := ann
	forged.SecretAccessKey = "x"
	c, _ := as(address, forged)
	_, err := c.kinesis.ListStreams(t.Context(), nil)
	refused(t, "a forged key", err, "InvalidSignatureException", "")
	if text := must(t, address, root, "GetAccessKeyLastUsed", "AccessKeyId", ann.AccessKeyID); !strings.Contains(text, "<ServiceName>N/A</ServiceName>") {
		t.Error(text)
	}
}

// What would become of a request can be asked beforehand.
func TestSimulate(t *testing.T) {
	address := judging(t, server.AuthIAM)
	newUser(t, address, "ann")
	must(t, address, root, "CreateGroup", "GroupName", "team")
	must(t, address, root, "AddUserToGroup", "GroupName", "team", "UserName", "ann")
	must(t, address, root, "AttachGroupPolicy", "GroupName", "team", "PolicyArn", "arn:aws:iam::aws:policy/AmazonKinesisReadOnlyAccess")
	mayDo(t, address, "ann", `"Effect":"Deny","Action":"kinesis:Get*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}`)
	type results struct {
		All []struct {
			Action   string   `xml:"EvalActionName"`
			Decision string   `xml:"EvalDecision"`
			Missing  []string `xml:"MissingContextValues>member"`
		} `xml:"SimulatePrincipalPolicyResult>EvaluationResults>member"`
	}
	for region, want := range map[string]string{"": "explicitDeny", "eu-west-1": "allowed", "us-east-1": "explicitDeny"} {
		pairs := []string{"PolicySourceArn", "arn:aws:iam::000000000000:user/ann", "ActionNames.member.1", "kinesis:GetRecords", "ActionNames.member.2", "kinesis:PutRecord"}
		if region != "" {
			pairs = append(pairs, "ContextEntries.member.1.ContextKeyName", "aws:requestedregion", "ContextEntries.member.1.ContextKeyValues.member.1", region,
				"ContextEntries.member.1.ContextKeyType", "string")
		}
		var got results
		if err := xml.Unmarshal([]byte(must(t, address, root, "SimulatePrincipalPolicy", pairs...)), &got); err != nil || len(got.All) != 2 {
			t.Fatal(got, err)
		}
		if got.All[0].Decision != want || got.All[1].Decision != "implicitDeny" || (region == "") != (len(got.All[0].Missing) == 1) {
			t.Errorf("%q: %+v", region, got.All)
		}
	}
	if text := must(t, address, root, "SimulateCustomPolicy", "PolicyInputList.member.1", statement(`"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:q"`),
		"ActionNames.member.1", "sqs:SendMessage", "ResourceArns.member.1", "arn:aws:sqs:us-east-1:000000000000:q", "ResourceArns.member.2", "arn:aws:sqs:us-east-1:000000000000:p",
		"PermissionsBoundaryPolicyInputList.member.1", statement(`"Effect":"Allow","Action":"kinesis:*","Resource":"*"`)); strings.Count(text, "implicitDeny") != 2 || !strings.Contains(text, "<AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary>") {
		t.Error(text)
	}
}
