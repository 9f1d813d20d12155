package sqs_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/internal/sdkhttp"
)

// serve puts a house on a socket of the loopback and runs it until the test ends.
func serve(t *testing.T) string {
	t.Helper()
	h := newHouse(t, clockwork.NewRealClock())
	server := httptest.NewServer(h)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.queues.Run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

func connect(t *testing.T) *client.Client {
	return client.New(client.Options{
		BaseEndpoint: aws.String(serve(t)), Region: "us-east-1", HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// TestSDK goes through all operations with AWS's own client, which checks the digests of what it sends and receives.
func TestSDK(t *testing.T) {
	c, ctx := connect(t), context.Background()
	made, err := c.CreateQueue(ctx, &client.CreateQueueInput{
		QueueName: aws.String("orders"), Attributes: map[string]string{"VisibilityTimeout": "60"},
	})
	if err != nil {
		t.Fatal(err)
	}
	url := made.QueueUrl
	if found, err := c.GetQueueUrl(ctx, &client.GetQueueUrlInput{QueueName: aws.String("orders")}); err != nil || *found.QueueUrl != *url {
		t.Fatal(found, err)
	}
	attributes := map[string]types.MessageAttributeValue{
		"text":   {DataType: aws.String("String.own"), StringValue: aws.String("ä")},
		"number": {DataType: aws.String("Number"), StringValue: aws.String("1")},
		"bytes":  {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
	}
	if _, err := c.SendMessage(ctx, &client.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("<a & b>\r\n"), MessageAttributes: attributes,
	}); err != nil {
		t.Fatal(err)
	}
	batch, err := c.SendMessageBatch(ctx, &client.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: aws.String("one"), MessageAttributes: attributes},
		{Id: aws.String("2"), MessageBody: aws.String("\x02")},
	}})
	if err != nil || len(batch.Successful) != 1 || len(batch.Failed) != 1 || *batch.Failed[0].Code != "InvalidMessageContents" {
		t.Fatalf("%+v %v", batch, err)
	}
	got, err := c.ReceiveMessage(ctx, &client.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(got.Messages) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	first := got.Messages[0]
	if *first.Body != "<a & b>\r\n" || len(first.MessageAttributes) != 3 || first.Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("%+v", first)
	}
	sdkFinish(t, c, url, got.Messages)
	sdkErrors(t, c, url)
}

// sdkFinish changes visibilities, deletes, looks at the attributes and purges.
func sdkFinish(t *testing.T, c *client.Client, url *string, got []types.Message) {
	ctx := context.Background()
	if _, err := c.ChangeMessageVisibility(ctx, &client.ChangeMessageVisibilityInput{
		QueueUrl: url, ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 120,
	}); err != nil {
		t.Error(err)
	}
	changed, err := c.ChangeMessageVisibilityBatch(ctx, &client.ChangeMessageVisibilityBatchInput{
		QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 60},
		},
	})
	if err != nil || len(changed.Successful) != 1 || len(changed.Failed) != 0 {
		t.Errorf("%+v %v", changed, err)
	}
	if _, err := c.DeleteMessage(ctx, &client.DeleteMessageInput{QueueUrl: url, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
		t.Error(err)
	}
	deleted, err := c.DeleteMessageBatch(ctx, &client.DeleteMessageBatchInput{
		QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{{Id: aws.String("a"), ReceiptHandle: got[1].ReceiptHandle}},
	})
	if err != nil || len(deleted.Successful) != 1 {
		t.Errorf("%+v %v", deleted, err)
	}
	if _, err := c.SetQueueAttributes(ctx, &client.SetQueueAttributesInput{
		QueueUrl: url, Attributes: map[string]string{"DelaySeconds": "5"},
	}); err != nil {
		t.Error(err)
	}
	all, err := c.GetQueueAttributes(ctx, &client.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil || all.Attributes["DelaySeconds"] != "5" || all.Attributes["ApproximateNumberOfMessages"] != "0" ||
		all.Attributes["QueueArn"] != "arn:aws:sqs:us-east-1:000000000000:orders" {
		t.Errorf("%+v %v", all, err)
	}
	if listed, err := c.ListQueues(ctx, &client.ListQueuesInput{}); err != nil || len(listed.QueueUrls) != 1 {
		t.Errorf("%+v %v", listed, err)
	}
	if _, err := c.PurgeQueue(ctx, &client.PurgeQueueInput{QueueUrl: url}); err != nil {
		t.Error(err)
	}
}

// sdkErrors looks at how errors arrive, and deletes the queue.
func sdkErrors(t *testing.T, c *client.Client, url *string) {
	ctx := context.Background()
	var purging *types.PurgeQueueInProgress
	if _, err := c.PurgeQueue(ctx, &client.PurgeQueueInput{QueueUrl: url}); !errors.As(err, &purging) {
		t.Errorf("second purge: %v", err)
	}
	var invalid *types.ReceiptHandleIsInvalid
	_, err := c.DeleteMessage(ctx, &client.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String("x")})
	if !errors.As(err, &invalid) {
		t.Errorf("garbage handle: %v", err)
	}
	if _, err := c.DeleteQueue(ctx, &client.DeleteQueueInput{QueueUrl: url}); err != nil {
		t.Error(err)
	}
	var missing *types.QueueDoesNotExist
	_, err = c.SendMessage(ctx, &client.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")})
	if !errors.As(err, &missing) || missing.ErrorMessage() != "The specified queue does not exist." {
		t.Errorf("queue that was deleted: %v", err)
	}
}

func TestSDKLongPoll(t *testing.T) {
	c, ctx := connect(t), context.Background()
	made, err := c.CreateQueue(ctx, &client.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan *client.ReceiveMessageOutput, 1)
	started := time.Now()
	go func() {
		got, err := c.ReceiveMessage(ctx, &client.ReceiveMessageInput{QueueUrl: made.QueueUrl, WaitTimeSeconds: 20})
		if err != nil {
			t.Error(err)
		}
		received <- got
	}()
	if _, err := c.SendMessage(ctx, &client.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	if got := <-received; len(got.Messages) != 1 || time.Since(started) > 15*time.Second {
		t.Errorf("%+v after %v", got, time.Since(started))
	}
	canceled, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = c.ReceiveMessage(canceled, &client.ReceiveMessageInput{QueueUrl: made.QueueUrl, WaitTimeSeconds: 20})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("canceled poll: %v", err)
	}
}

// TestBoto3 does the same with the machine's boto3, whose older versions speak the query protocol.
func TestBoto3(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		t.Skip("no boto3 for ", python)
	}
	command := exec.Command(python, "testdata/boto3_test.py", serve(t))
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := command.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// cli serves a house and returns a function that runs the machine's aws command on it. Each run takes long to begin, so
// that the tests that use it run beside each other.
func cli(t *testing.T) (endpoint string, run func(args ...string) string) {
	t.Parallel()
	command, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no aws command")
	}
	endpoint = serve(t)
	return endpoint, func(args ...string) string {
		t.Helper()
		c := exec.Command(command, append([]string{"--endpoint-url", endpoint, "--region", "us-east-1", "--output", "text", "sqs"}, args...)...)
		c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_PAGER=",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("aws sqs %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// TestCLI sends, receives and deletes with the machine's aws command.
func TestCLI(t *testing.T) {
	endpoint, run := cli(t)
	url := run("create-queue", "--queue-name", "orders", "--attributes", "VisibilityTimeout=60")
	if want := endpoint + "/000000000000/orders"; url != want {
		t.Errorf("URL %s, want %s", url, want)
	}
	run("send-message", "--queue-url", url, "--message-body", "hello", "--message-attributes", `{"k":{"DataType":"String","StringValue":"v"}}`)
	got := strings.Split(run("receive-message", "--queue-url", url, "--message-attribute-names", "All", "--query", "Messages[0].[Body,ReceiptHandle,MessageAttributes.k.StringValue]"), "\t")
	if len(got) != 3 || got[0] != "hello" || got[2] != "v" {
		t.Fatalf("received %q", got)
	}
	run("delete-message", "--queue-url", url, "--receipt-handle", got[1])
	if n := run("get-queue-attributes", "--queue-url", url, "--attribute-names", "ApproximateNumberOfMessagesNotVisible", "--query", "Attributes.ApproximateNumberOfMessagesNotVisible"); n != "0" {
		t.Errorf("%s in flight", n)
	}
	if listed := run("list-queues", "--query", "QueueUrls"); listed != url {
		t.Errorf("listed %s", listed)
	}
	run("purge-queue", "--queue-url", url)
	run("delete-queue", "--queue-url", url)
}

// TestCLIRedrive has a poison message go to a dead-letter queue and come back.
func TestCLIRedrive(t *testing.T) {
	_, run := cli(t)
	dead := run("create-queue", "--queue-name", "dead.fifo", "--attributes", "FifoQueue=true")
	const arn = "arn:aws:sqs:us-east-1:000000000000:dead.fifo"
	url := run("create-queue", "--queue-name", "line.fifo", "--attributes",
		`{"FifoQueue":"true","VisibilityTimeout":"0","RedrivePolicy":"{\"deadLetterTargetArn\":\"`+arn+`\",\"maxReceiveCount\":\"1\"}"}`)
	if sources := run("list-dead-letter-source-queues", "--queue-url", dead, "--query", "queueUrls"); sources != url {
		t.Errorf("sources %s", sources)
	}
	run("send-message", "--queue-url", url, "--message-body", "poison", "--message-group-id", "g", "--message-deduplication-id", "d")
	for _, want := range []string{"poison", "None"} {
		if body := run("receive-message", "--queue-url", url, "--query", "Messages[0].Body"); body != want {
			t.Errorf("received %s, want %s", body, want)
		}
	}
	run("start-message-move-task", "--source-arn", arn)
	if body := run("receive-message", "--queue-url", url, "--wait-time-seconds", "20", "--query", "Messages[0].Body"); body != "poison" {
		t.Errorf("received %s after the move", body)
	}
}

// TestSDKRedrive takes a group's messages to the dead-letter queue and back, with AWS's own client.
func TestSDKRedrive(t *testing.T) {
	c, ctx := connect(t), context.Background()
	create := func(name, attribute, value string) *string {
		t.Helper()
		made, err := c.CreateQueue(ctx, &client.CreateQueueInput{
			QueueName: aws.String(name), Attributes: map[string]string{"FifoQueue": "true", attribute: value},
		})
		if err != nil {
			t.Fatal(err)
		}
		return made.QueueUrl
	}
	const deadARN = "arn:aws:sqs:us-east-1:000000000000:dead.fifo"
	dead := create("dead.fifo", "DelaySeconds", "0")
	line := create("line.fifo", "RedrivePolicy", `{"deadLetterTargetArn":"`+deadARN+`","maxReceiveCount":1}`)
	for i := range 12 {
		if _, err := c.SendMessage(ctx, &client.SendMessageInput{
			QueueUrl: line, MessageBody: aws.String(strconv.Itoa(i)), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String(strconv.Itoa(i)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(url *string) (bodies string) {
		t.Helper()
		for {
			got, err := c.ReceiveMessage(ctx, &client.ReceiveMessageInput{
				QueueUrl: url, MaxNumberOfMessages: 10,
				MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Messages) == 0 {
				return bodies
			}
			for _, m := range got.Messages {
				bodies += *m.Body + " "
				if m.Attributes["MessageGroupId"] != "g" || len(m.Attributes["SequenceNumber"]) != 20 {
					t.Errorf("%+v", m.Attributes)
				}
				if _, err := c.ChangeMessageVisibility(ctx, &client.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
					t.Fatal(err)
				}
			}
			if url == dead {
				return bodies
			}
		}
	}
	const all = "0 1 2 3 4 5 6 7 8 9 10 11 "
	if got := receive(line); got != all {
		t.Errorf("received %s", got)
	}
	if got := receive(dead); got != "0 1 2 3 4 5 6 7 8 9 " {
		t.Errorf("dead letters %s", got)
	}
	if _, err := c.StartMessageMoveTask(ctx, &client.StartMessageMoveTaskInput{SourceArn: aws.String(deadARN)}); err != nil {
		t.Fatal(err)
	}
	for {
		tasks, err := c.ListMessageMoveTasks(ctx, &client.ListMessageMoveTasksInput{SourceArn: aws.String(deadARN)})
		if err != nil || len(tasks.Results) != 1 {
			t.Fatalf("%+v %v", tasks, err)
		}
		if task := tasks.Results[0]; *task.Status != "RUNNING" {
			if *task.Status != "COMPLETED" || task.ApproximateNumberOfMessagesMoved != 12 {
				t.Errorf("%+v", task)
			}
			break
		}
	}
	if got := receive(line); !strings.HasPrefix(got, all) {
		t.Errorf("received %s after the move", got)
	}
	var missing *types.ResourceNotFoundException
	if _, err := c.CancelMessageMoveTask(ctx, &client.CancelMessageMoveTaskInput{TaskHandle: aws.String("eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoi" +
		base64.StdEncoding.EncodeToString([]byte(deadARN+`"}`)))}); !errors.As(err, &missing) {
		t.Errorf("cancelled a task that is none: %v", err)
	}
}
