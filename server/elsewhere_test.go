package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/millrace/millrace/server"
)

// The key with which everything outside is signed: what is signed with another one, a server that verifies signatures refuses.
const outsideID, outsideSecret = "AKIDOUTSIDEOUTSIDE", "secret-of-the-outside"

// startOutside starts a server that stands for AWS and believes one key, which it puts into the environment.
func startOutside(t *testing.T) string {
	t.Helper()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": outsideID, "AWS_SECRET_ACCESS_KEY": outsideSecret, "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	return startWith(t, func(c *config) {
		c.Auth, c.RootAccessKeyID, c.RootSecretAccessKey = server.AuthSigned, outsideID, outsideSecret
	})
}

// everywhere lets all services live at an address.
func everywhere(address string) func(*config) {
	return func(c *config) {
		c.SQSEndpoint, c.SNSEndpoint, c.S3Endpoint, c.CloudWatchEndpoint, c.LogsEndpoint = address, address, address, address, address
		c.Forward = true
	}
}

// Clients of services that live elsewhere need not know: their requests are handed on, signed anew, whatever they signed them
// with, and the queues' addresses that they are told are this server's.
func TestForwardedClients(t *testing.T) {
	outside := startOutside(t)
	url := startWith(t, everywhere(outside))
	here, there, ctx := connect(url), connectAs(outside, outsideID, outsideSecret), t.Context()
	if _, err := connect(outside).sqs.ListQueues(ctx, &sqs.ListQueuesInput{}); err == nil {
		t.Fatal("the outside believes everybody")
	}

	made, err := here.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil || !strings.HasPrefix(*made.QueueUrl, url+"/") {
		t.Fatal(made, err)
	}
	text := "a message that names " + outside + "/000000000000/q"
	if _, err := here.sqs.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: made.QueueUrl, MessageBody: aws.String(text),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{"n": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}}},
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []clients{here, there} {
		found, err := c.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"}})
		if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != text || len(got.Messages[0].MessageAttributes) != 1 {
			t.Fatal(got, err)
		}
		if _, err := c.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: found.QueueUrl, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}

	posted := signed(t, aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "x"}, http.MethodPost, url+"/000000000000/q", "sqs",
		"Action=SendMessage&Version=2012-11-05&MessageBody=posted", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if status, text := do(t, posted); status != 200 || !strings.Contains(text, "<SendMessageResult>") {
		t.Errorf("posted to the queue: %d %s", status, text)
	}

	if _, err := here.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")}); err != nil {
		t.Fatal(err)
	}
	if list, err := there.sns.ListTopics(ctx, &sns.ListTopicsInput{}); err != nil || len(list.Topics) != 1 {
		t.Error(list, err)
	}

	if _, err := here.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", "x", strings.Repeat("0123456789", 100_000)} {
		key := fmt.Sprintf("a key/ü+%d", len(body))
		if _, err := here.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key), Body: strings.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []clients{here, there} {
			got, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key)})
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(got.Body); err != nil || string(text) != body {
				t.Errorf("%d bytes of %d, %v", len(text), len(body), err)
			}
		}
	}
	if _, err := here.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("none")}); err == nil || !strings.Contains(err.Error(), "NoSuchKey") {
		t.Error(err)
	}
	sendChunks(t, url, here, there)

	now := time.Now()
	if _, err := cloudwatch.NewFromConfig(awsConfig(url, "AKIDEXAMPLE", "x")).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("N"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(3), Timestamp: &now}},
	}); err != nil {
		t.Fatal(err)
	}
	if list, err := cloudwatch.NewFromConfig(awsConfig(outside, outsideID, outsideSecret)).ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("N")}); err != nil || len(list.Metrics) != 1 {
		t.Error(list, err)
	}
	if status, body := call(t, "POST", url, "logs", "Logs_20140328.CreateLogGroup", `{"logGroupName":"g"}`); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := call(t, "POST", url, "logs", "Logs_20140328.DescribeLogGroups", `{}`); status != 200 || !strings.Contains(body, `"g"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := call(t, "POST", url, "logs", "Logs_20140328.GetNonsense", `{}`); status != 400 || !strings.Contains(body, "UnknownOperation") {
		t.Errorf("%d %s", status, body)
	}
}

// sendChunks puts objects in the form of clients that sign each chunk, and of such that send something else than they say.
func sendChunks(t *testing.T, url string, here, there clients) {
	t.Helper()
	put := func(trailer string) int {
		body := "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + trailer + "\r\n\r\n"
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/bucket/chunks", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Authorization": fmt.Sprintf(authorization, "s3"), "X-Amz-Date": "20260101T000000Z", "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
			"X-Amz-Decoded-Content-Length": "5", "X-Amz-Trailer": "x-amz-checksum-crc32", "Content-Encoding": "aws-chunked",
		} {
			r.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		readAll(t, answer)
		return answer.StatusCode
	}
	if status := put("NhCmhg=="); status != 200 {
		t.Errorf("a body in chunks: %d", status)
	}
	if status := put("AAAAAA=="); status/100 == 2 {
		t.Errorf("a body that is not what its sender said: %d", status)
	}
	got, err := there.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("chunks")})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(got.Body); err != nil || string(text) != "hello" {
		t.Errorf("%q %v", text, err)
	}
}

// What the house itself sends and reads goes where the services live: notifications, code, what functions print, what is
// measured.
func TestHouseUsesElsewhere(t *testing.T) {
	outside := startOutside(t)
	there, ctx := connectAs(outside, outsideID, outsideSecret), t.Context()
	c := config{Listen: "127.0.0.1:0", Memory: true, StopGrace: 2 * time.Second, Shared: []string{filepath.Dir(exchange(t))}}
	everywhere(outside)(&c)
	c.SNSEndpoint, c.Forward = "", false
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Run(running) }()
	defer stop()
	url := s.URL()
	here := connect(url)

	queue, err := there.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("subscribed")})
	if err != nil {
		t.Fatal(err)
	}
	topic, err := here.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.sns.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:subscribed"),
		Attributes: map[string]string{"RawMessageDelivery": "true"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := here.sns.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("news")}); err != nil {
		t.Fatal(err)
	}
	got, err := there.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 20})
	if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != "news" {
		t.Fatal(got, err)
	}

	if _, err := there.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("code")}); err != nil {
		t.Fatal(err)
	}
	code := zipped(t, strings.Replace(loop, "\n", "\nhandle() { echo printed >&2; echo 1; }\n", 1))
	if _, err := there.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String("f.zip"), Body: bytes.NewReader(code)}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"f.zip": "", "none.zip": "S3 Error Code: NoSuchKey"} {
		_, err := here.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("h"),
			Environment: &lambdatypes.Environment{Variables: map[string]string{"HEADERS": filepath.Join(exchange(t), "headers")}},
			Code:        &lambdatypes.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String(key)},
		})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Fatalf("%s: %v", key, err)
		}
	}
	awaitActive(t, url, "f")
	if out, err := here.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("f")}); err != nil || out.FunctionError != nil {
		t.Fatal(out, err)
	}
	stop()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	logs := logsAs(t, outside, `{"logGroupName":"/aws/lambda/f"}`)
	if !strings.Contains(logs, "printed") || !strings.Contains(logs, "REPORT RequestId") {
		t.Errorf("the log is %s", logs)
	}
	list, err := cloudwatch.NewFromConfig(awsConfig(outside, outsideID, outsideSecret)).ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("Millrace/Lambda")})
	if err != nil || len(list.Metrics) == 0 {
		t.Error(list, err)
	}
}

// Who asks here for what lives elsewhere, or nowhere, is told so, in each protocol.
func TestToldElsewhere(t *testing.T) {
	for _, test := range []struct {
		set  func(*config)
		want string
	}{
		{func(c *config) { everywhere("http://127.0.0.1:9")(c); c.Forward = false }, "does not live on this server but at http://127.0.0.1:9"},
		{everywhere("http://127.0.0.1:9"), "lives at http://127.0.0.1:9, which does not answer"},
		{func(c *config) { everywhere(server.Off)(c) }, "is switched off on this server"},
	} {
		for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": outsideID, "AWS_SECRET_ACCESS_KEY": outsideSecret, "AWS_EC2_METADATA_DISABLED": "true"} {
			t.Setenv(name, value)
		}
		url := startWith(t, test.set)
		once := awsConfig(url, "AKIDEXAMPLE", "secret")
		once.RetryMaxAttempts = 1
		c, ctx := connectWith(once), t.Context()
		_, queues := c.sqs.ListQueues(ctx, &sqs.ListQueuesInput{})
		_, topics := c.sns.ListTopics(ctx, &sns.ListTopicsInput{})
		_, buckets := c.s3.ListBuckets(ctx, &s3.ListBucketsInput{})
		_, put := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: strings.NewReader("body")})
		_, metrics := cloudwatch.NewFromConfig(once).ListMetrics(ctx, &cloudwatch.ListMetricsInput{})
		_, body := call(t, "POST", url, "logs", "Logs_20140328.DescribeLogGroups", `{}`)
		for what, err := range map[string]error{"sqs": queues, "sns": topics, "s3": buckets, "put": put, "cloudwatch": metrics, "logs": fmt.Errorf("%s", body)} {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := c.kinesis.ListStreams(ctx, nil); err != nil {
			t.Error(err)
		}
	}
}

// Where policies are asked, they are asked of what is handed on too.
func TestForwardedAsAllowed(t *testing.T) {
	outside := startOutside(t)
	here := aws.Credentials{AccessKeyID: "AKIDHEREHEREHEREHERE", SecretAccessKey: "secret-of-the-house-itself"}
	address := startWith(t, func(c *config) {
		everywhere(outside)(c)
		c.Auth, c.RootAccessKeyID, c.RootSecretAccessKey = server.AuthIAM, here.AccessKeyID, here.SecretAccessKey
	})
	ask := func(who aws.Credentials, service, body string, header http.Header) (int, string) {
		t.Helper()
		return do(t, signed(t, who, http.MethodPost, address+"/", service, body, header))
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, action := range []string{"CreateUser", "CreateAccessKey"} {
		status, text := ask(here, "iam", "Action="+action+"&Version=2010-05-08&UserName=ann", form)
		if status != 200 {
			t.Fatal(status, text)
		}
		if m := regexp.MustCompile(`(?s)<AccessKeyId>(.*)</AccessKeyId>.*<SecretAccessKey>(.*)</SecretAccessKey>`).FindStringSubmatch(text); m != nil {
			ann := aws.Credentials{AccessKeyID: m[1], SecretAccessKey: m[2]}
			list := http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"AmazonSQS.ListQueues"}}
			if status, text := ask(ann, "sqs", "{}", list); status/100 != 4 || !strings.Contains(text, "not authorized to perform: sqs:listqueues") && !strings.Contains(text, "not authorized to perform: sqs:ListQueues") {
				t.Errorf("ann: %d %s", status, text)
			}
			if status, text := ask(here, "sqs", "{}", list); status != 200 {
				t.Errorf("root: %d %s", status, text)
			}
			if status, text := do(t, signed(t, ann, http.MethodGet, address+"/bucket/key", "s3", "", http.Header{"X-Amz-Content-Sha256": {hashOf("")}})); status != 403 {
				t.Errorf("ann: %d %s", status, text)
			}
			if status, text := do(t, signed(t, here, http.MethodGet, address+"/bucket/key", "s3", "", http.Header{"X-Amz-Content-Sha256": {hashOf("")}})); status != 404 || !strings.Contains(text, "NoSuchBucket") {
				t.Errorf("root: %d %s", status, text)
			}
			return
		}
	}
	t.Error("there is no key")
}

// Events are handed on as they come, to clients that wait for more.
func TestForwardedEvents(t *testing.T) {
	outside := startOutside(t)
	address := startWith(t, everywhere(outside))
	if status, body := call(t, "POST", address, "logs", "Logs_20140328.CreateLogGroup", `{"logGroupName":"g"}`); status != 200 {
		t.Fatal(status, body)
	}
	who := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "x"}
	r := signed(t, who, http.MethodPost, address+"/", "logs", `{"logGroupIdentifiers":["arn:aws:logs:us-east-1:000000000000:log-group:g"]}`, http.Header{
		"X-Amz-Target": {"Logs_20140328.StartLiveTail"}, "Content-Type": {"application/x-amz-json-1.1"},
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answer, err := http.DefaultClient.Do(r.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadFull(answer.Body, make([]byte, 16)); err != nil || answer.StatusCode != 200 {
		t.Errorf("%d %v", answer.StatusCode, err)
	}
}

// A server that sends clients, by whatever way, to itself does not do so for ever.
func TestForwardingEnds(t *testing.T) {
	startOutside(t)
	var address string
	between := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		there, err := url.Parse(address)
		if err != nil {
			t.Error(err)
			return
		}
		r.SetURL(there)
	}})
	t.Cleanup(between.Close)
	address = startWith(t, everywhere(between.URL))
	status, body := call(t, "POST", address, "logs", "Logs_20140328.DescribeLogGroups", `{}`)
	if status != http.StatusLoopDetected {
		t.Errorf("%d %s", status, body)
	}
}

// logsAs returns the events of a group of a server that verifies signatures.
func logsAs(t *testing.T, address, body string) string {
	t.Helper()
	r := signed(t, aws.Credentials{AccessKeyID: outsideID, SecretAccessKey: outsideSecret}, http.MethodPost, address+"/", "logs", body, http.Header{
		"X-Amz-Target": {"Logs_20140328.FilterLogEvents"}, "Content-Type": {"application/x-amz-json-1.1"},
	})
	status, text := do(t, r)
	if status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	return text
}

// Policies of queues that live elsewhere are asked there: topics of this server bring messages to them where policies are asked, too.
func TestTopicsReachQueuesElsewhere(t *testing.T) {
	outside := startOutside(t)
	address := startWith(t, func(c *config) {
		c.SQSEndpoint = outside
		c.Auth, c.RootAccessKeyID, c.RootSecretAccessKey = server.AuthIAM, root.AccessKeyID, root.SecretAccessKey
	})
	c, _ := as(address, root)
	there, ctx := connectAs(outside, outsideID, outsideSecret), t.Context()
	queue, err := there.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	topic, err := c.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.sns.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	got, err := there.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 10})
	if err != nil || len(got.Messages) != 1 || !strings.Contains(*got.Messages[0].Body, "hello") {
		t.Error(got, err)
	}
}
