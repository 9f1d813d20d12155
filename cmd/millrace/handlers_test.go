package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/millrace/millrace/internal/sdkhttp"
)

const handlers = "../../clients/handlers/"

// TestHandlers maps a stream to functions as people write them, with the libraries that they use for it. Each names the
// second of four records as failed: what lies before it is done, the rest is split there, and after its retry the bad one
// alone goes to the queue. Facts: 5.5.9.
func TestHandlers(t *testing.T) {
	for _, f := range []struct {
		name     string
		runtime  lambdatypes.Runtime
		handler  string
		code     func(t *testing.T) string // the folder that is packed
		optional bool                      // also for CI
		orders   []string
	}{
		{name: "aws-lambda-go", runtime: lambdatypes.RuntimeProvidedal2023, handler: "bootstrap", code: goHandler},
		{name: "powertools for TypeScript", runtime: lambdatypes.RuntimeNodejs20x, handler: "powertools.handler", code: nodeHandlers},
		{
			name: "middy", runtime: lambdatypes.RuntimeNodejs20x, handler: "middy.handler", code: nodeHandlers,
			orders: []string{`{"order":"a"}`, `{"order":"bad"}`, `{"order":"c"}`, `{"order":"d"}`},
		},
		{name: "powertools for Python", runtime: lambdatypes.RuntimePython312, handler: "powertools.handler", code: pythonHandler, optional: true},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			folder := f.code(t)
			if folder == "" {
				if os.Getenv("CI") != "" && !f.optional {
					t.Fatal("its libraries are not there")
				}
				t.Skip("its libraries are not there: clients/README.md says how they are installed")
			}
			h := newHouse(t)
			h.start()
			archive := filepath.Join(h.dir, "function.zip")
			zipFolder(t, archive, folder)
			h.function(archive, f.runtime, f.handler)
			if f.orders == nil {
				f.orders = []string{"a", "bad", "c", "d"}
			}
			h.reportFailures(f.orders)
			h.stop()
		})
	}
}

// goHandler builds the function on aws-lambda-go, whose module is this program's own.
func goHandler(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "bootstrap"), "../../clients/handlers/golang")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func nodeHandlers(*testing.T) string {
	if node20(handlers+"node/node_modules") != nil {
		return ""
	}
	return handlers + "node"
}

func pythonHandler(*testing.T) string {
	if _, err := os.Stat(handlers + "python/aws_lambda_powertools"); err != nil {
		return ""
	}
	return handlers + "python"
}

func (h *house) function(archive string, runtime lambdatypes.Runtime, handler string) {
	h.t.Helper()
	code, err := os.ReadFile(archive)
	h.check(err)
	_, err = h.lambda.CreateFunction(h.t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("orders"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(30),
		MemorySize: aws.Int32(256), Runtime: runtime, Handler: &handler, Code: &lambdatypes.FunctionCode{ZipFile: code},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"LEDGER": h.ledger}},
	})
	h.check(err)
}

// reportFailures puts four records, of which the second is bad, and holds what the function was given to what AWS would
// give it.
func (h *house) reportFailures(orders []string) {
	h.t.Helper()
	ctx := h.t.Context()
	queues := sqs.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &h.url, HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	queue, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead")})
	h.check(err)
	stream := h.putInOrder(orders)
	_, err = h.lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		EventSourceArn: stream, FunctionName: aws.String("orders"), StartingPosition: lambdatypes.EventSourcePositionTrimHorizon,
		FunctionResponseTypes:      []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures},
		BisectBatchOnFunctionError: aws.Bool(true), MaximumRetryAttempts: aws.Int32(1),
		DestinationConfig: &lambdatypes.DestinationConfig{
			OnFailure: &lambdatypes.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:dead")},
		},
	})
	h.check(err)
	dead, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 20})
	if err != nil || len(dead.Messages) != 1 {
		h.t.Fatalf("%+v, %v; the function was given %+v", dead, err, h.calls())
	}
	want := [][]string{{"a", "bad", "c", "d"}, {"bad", "c", "d"}, {"bad"}, {"bad"}, {"c", "d"}}
	h.await("the rest of the batch", func() bool { return len(h.calls()) >= len(want) })
	if calls := h.calls(); !slices.EqualFunc(calls, want, func(c call, labels []string) bool { return slices.Equal(c.Labels, labels) }) {
		h.t.Errorf("the function was given %+v", calls)
	}
	h.checkDocument(*dead.Messages[0].Body, h.calls()[3].Request)
}

// putInOrder puts records of one key into a new stream and returns its ARN.
func (h *house) putInOrder(data []string) *string {
	h.t.Helper()
	ctx, name := h.t.Context(), aws.String("orders")
	_, err := h.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(1)})
	h.check(err)
	var arn *string
	h.await("the stream", func() bool {
		d, err := h.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: name})
		h.check(err)
		arn = d.StreamDescriptionSummary.StreamARN
		return d.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive
	})
	var entries []kinesistypes.PutRecordsRequestEntry
	for _, d := range data {
		entries = append(entries, kinesistypes.PutRecordsRequestEntry{Data: []byte(d), PartitionKey: aws.String("a")})
	}
	_, err = h.kinesis.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: name, Records: entries})
	h.check(err)
	return arn
}

// checkDocument reads what the queue was told: one record, given up by the invocation that had it last.
func (h *house) checkDocument(body, request string) {
	h.t.Helper()
	var document struct {
		RequestContext struct {
			RequestID, Condition   string
			ApproximateInvokeCount int
		}
		KinesisBatchInfo struct{ BatchSize int }
	}
	h.check(json.Unmarshal([]byte(body), &document))
	if c := document.RequestContext; c.Condition != "RetryAttemptsExhausted" || c.ApproximateInvokeCount != 2 || c.RequestID != request || document.KinesisBatchInfo.BatchSize != 1 {
		h.t.Error(body)
	}
}
