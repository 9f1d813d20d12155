package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/millrace/millrace/internal/sdkhttp"
)

// clients are AWS's own for one server.
type clients struct {
	kinesis *kinesis.Client
	lambda  *lambda.Client
	sqs     *sqs.Client
	sns     *sns.Client
	s3      *s3.Client
}

func connect(url string) clients { return connectAs(url, "AKIDEXAMPLE", "secret") }

func connectAs(url, id, secret string) clients { return connectWith(awsConfig(url, id, secret)) }

func awsConfig(url, id, secret string) aws.Config {
	return aws.Config{BaseEndpoint: aws.String(url), Region: "us-east-1", HTTPClient: sdkhttp.NewClient(), Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")}
}

func connectWith(c aws.Config) clients {
	return clients{
		kinesis: kinesis.NewFromConfig(c), lambda: lambda.NewFromConfig(c), sqs: sqs.NewFromConfig(c), sns: sns.NewFromConfig(c),
		s3: s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

const (
	queueARN  = "arn:aws:sqs:us-east-1:000000000000:failures"
	topicARN  = "arn:aws:sns:us-east-1:000000000000:failures"
	bucketARN = "arn:aws:s3:::failures"
)

// prepare makes a queue, a topic with a queue of its own, and a bucket.
func (c clients) prepare(t *testing.T) {
	t.Helper()
	for _, name := range []string{"failures", "subscribed"} {
		if _, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("failures")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.sns.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(topicARN), Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:subscribed"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("failures")}); err != nil {
		t.Fatal(err)
	}
}

// receive waits for a message, whose sender has to match.
func (c clients) receive(t *testing.T, queue, sender string) string {
	t.Helper()
	found, err := c.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(queue)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: found.QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"SenderId"},
	})
	if err != nil || len(got.Messages) != 1 || len(got.Messages[0].MessageAttributes) != 0 {
		t.Fatalf("%s: %+v %v", queue, got, err)
	}
	if id := got.Messages[0].Attributes["SenderId"]; !regexp.MustCompile("^" + sender + "$").MatchString(id) {
		t.Errorf("%s: the sender is %s, not %s", queue, id, sender)
	}
	return *got.Messages[0].Body
}

// document is what is compared of a failure document.
type document struct {
	RequestContext   struct{ Condition string }
	KinesisBatchInfo struct{ BatchSize int }
	Payload          string
}

func read(t *testing.T, text string) (d document) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if d.RequestContext.Condition != "RetryAttemptsExhausted" || d.KinesisBatchInfo.BatchSize != 1 {
		t.Errorf("%s", text)
	}
	return d
}

// feed makes a stream whose record fails in three mappings, one for each kind of destination, of which it returns the
// last one's UUID.
func (c clients) feed(t *testing.T, url string) (uuid string) {
	t.Helper()
	ctx := t.Context()
	if status, body := createFunction(t, url, "fails", zipped(t, "#!/bin/sh\nexit 3\n"), shell); status != 201 {
		t.Fatalf("CreateFunction answered %d %s", status, body)
	}
	awaitActive(t, url, "fails")
	for name, destination := range map[string]string{"q": queueARN, "t": topicARN, "b": bucketARN} {
		if _, err := c.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String(name), ShardCount: aws.Int32(1)}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the stream is there", func() bool {
			_, err := c.kinesis.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String(name), PartitionKey: aws.String("k"), Data: []byte("poison")})
			return err == nil
		})
		made, err := c.lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
			EventSourceArn: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/" + name), FunctionName: aws.String("fails"),
			StartingPosition: lambdatypes.EventSourcePositionTrimHorizon, MaximumRetryAttempts: aws.Int32(0),
			DestinationConfig: &lambdatypes.DestinationConfig{OnFailure: &lambdatypes.OnFailure{Destination: aws.String(destination)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if name == "b" {
			uuid = *made.UUID
		}
	}
	return uuid
}

// find reads the three documents back.
func (c clients) find(t *testing.T, uuid, sender string) {
	t.Helper()
	if d := read(t, c.receive(t, "failures", sender)); d.Payload != "" {
		t.Errorf("a queue has a payload: %s", d.Payload)
	}
	var envelope struct {
		Type, TopicArn, Message    string
		Subject, MessageAttributes json.RawMessage
	}
	if err := json.Unmarshal([]byte(c.receive(t, "subscribed", ".*")), &envelope); err != nil || envelope.Type != "Notification" || envelope.TopicArn != topicARN || envelope.Subject != nil || envelope.MessageAttributes != nil {
		t.Errorf("%+v %v", envelope, err)
	}
	if d := read(t, envelope.Message); d.Payload != "" {
		t.Errorf("a topic has a payload: %s", d.Payload)
	}
	var key string
	eventually(t, "an object is in the bucket", func() bool {
		list, err := c.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("failures")})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Contents {
			key = *o.Key
		}
		return key != ""
	})
	if !strings.HasPrefix(key, "aws/lambda/"+uuid+"/shardId-000000000000/20") {
		t.Errorf("the key is %s", key)
	}
	object, err := c.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("failures"), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(object.Body)
	if err != nil || *object.ContentType != "application/octet-stream" {
		t.Errorf("%s %v", *object.ContentType, err)
	}
	if d := read(t, string(text)); !strings.Contains(d.Payload, `"data":"cG9pc29u"`) {
		t.Errorf("the event is %s", d.Payload)
	}
}

// A discarded record is told of at a queue, a topic and a bucket of the same server.
// Facts: 7.1.1, 7.1.3, 7.1.4, 7.1.7, 7.2.11.
func TestDestinations(t *testing.T) {
	url := start(t)
	role := regexp.MustCompile("AROA[A-Z0-9]+").FindString(must(t, url, root, "CreateRole", "RoleName", "r", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`))
	c := connect(url)
	c.prepare(t)
	c.find(t, c.feed(t, url), role+`:awslambda_0_20\d{15}`)
}

// The same at another server, which stands for AWS, ElasticMQ or MinIO.
func TestDestinationsOutside(t *testing.T) {
	outside := startOutside(t)
	url := startWith(t, func(c *config) { c.SQSEndpoint, c.SNSEndpoint, c.S3Endpoint = outside, outside, outside })
	there, here := connectAs(outside, outsideID, outsideSecret), connect(url)
	there.prepare(t)
	there.find(t, here.feed(t, url), "000000000000")
}

// A destination that is not there costs the document, not the mapping: records that follow are handled.
// Facts: 7.3.1.
func TestMissingDestinations(t *testing.T) {
	url := start(t)
	c := connect(url)
	c.feed(t, url)
	eventually(t, "three documents were dropped", func() bool {
		_, page := call(t, "GET", url+"/_millrace/mappings", "", "", "")
		return strings.Count(page, `"document_failures": 1`) == 3
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if page := readAll(t, answer); strings.Count(page, "\nmillrace_mapping_document_failures_total{") != 3 {
		t.Error(page)
	}
}

// Each service answers its own requests on the one port, whatever their paths look like.
func TestBucketsBesideTheOthers(t *testing.T) {
	url := start(t)
	c := connect(url)
	for _, name := range []string{"2015-03-31", "metrics", "000000000000"} {
		if _, err := c.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
			t.Fatal(name, err)
		}
		if _, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(name), Key: aws.String("functions"), Body: strings.NewReader("x")}); err != nil {
			t.Fatal(name, err)
		}
		if list, err := c.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(name)}); err != nil || len(list.Contents) != 1 {
			t.Fatal(name, list, err)
		}
	}
	if listed, err := c.lambda.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}); err != nil || len(listed.Functions) != 0 {
		t.Error(listed, err)
	}
	if status, body := call(t, "GET", url+"/2015-03-31/functions", "lambda", "", ""); status != 200 || !strings.Contains(body, `"Functions":[]`) {
		t.Errorf("%d %s", status, body)
	}
}
