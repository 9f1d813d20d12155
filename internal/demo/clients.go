package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/millrace/millrace/internal/bootstrap"
	"github.com/millrace/millrace/internal/sdkhttp"
)

// The names of what the demo builds.
const (
	account      = "000000000000"
	region       = "us-east-1"
	streamName   = "earthquakes"
	functionName = "seismologist"
	queueName    = "earthquakes-refused"
	shardCount   = 4
	batchSize    = 100
	retries      = 2
)

// clients speak to one server: the SDK's client of Kinesis, calls of the few operations of Lambda and SQS that the demo needs,
// and its address for the pages beside the AWS API.
type clients struct {
	url     string
	kinesis *kinesis.Client
	api     sdkhttp.Caller
}

func newClients(url string) *clients {
	api := sdkhttp.Caller{
		URL: url, Region: region, HTTP: sdkhttp.NewClient(),
		Credentials: aws.Credentials{AccessKeyID: "demo", SecretAccessKey: "demo"},
	}
	config := aws.Config{
		Region: region, BaseEndpoint: &url, HTTPClient: api.HTTP,
		Credentials: credentials.StaticCredentialsProvider{Value: api.Credentials},
	}
	return &clients{url: url, kinesis: kinesis.NewFromConfig(config), api: api}
}

// document is a JSON document on its way out.
type document map[string]any

// lambda calls an operation of Lambda. Its name is put before an error.
func (c *clients) lambda(ctx context.Context, operation, method, path string, in, out any) error {
	if err := c.api.REST(ctx, "lambda", method, "/2015-03-31/"+path, in, out); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// sqs does the same for SQS.
func (c *clients) sqs(ctx context.Context, operation string, in document, out any) error {
	if err := c.api.Target(ctx, "sqs", "1.0", "AmazonSQS."+operation, in, out); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// works names what build made.
type works struct {
	queueURL string
	mapping  string // UUID
}

// build makes the queue, the function, the stream and the mapping between them, and waits until all are ready.
func (c *clients) build(ctx context.Context, v *view, ledger string) (works, error) {
	var w works
	var queue struct{ QueueURL string }
	if err := c.sqs(ctx, "CreateQueue", document{"QueueName": queueName}, &queue); err != nil {
		return w, err
	}
	w.queueURL = queue.QueueURL
	queueARN, err := c.queueAttribute(ctx, w.queueURL, "QueueArn")
	if err != nil {
		return w, err
	}
	v.step("queue", "%s takes what the function refuses", queueName)

	if err := c.buildFunction(ctx, ledger); err != nil {
		return w, err
	}
	v.step("function", "%s (provided.al2023, this program as its bootstrap) refuses negative magnitudes", functionName)

	streamARN, err := c.buildStream(ctx)
	if err != nil {
		return w, err
	}
	v.step("stream", "%s, %d shards", streamName, shardCount)

	var mapping struct{ UUID, State string }
	err = c.lambda(ctx, "CreateEventSourceMapping", http.MethodPost, "event-source-mappings/", document{
		"EventSourceArn":             streamARN,
		"FunctionName":               functionName,
		"StartingPosition":           "TRIM_HORIZON",
		"BatchSize":                  batchSize,
		"BisectBatchOnFunctionError": true,
		"MaximumRetryAttempts":       retries,
		"DestinationConfig":          document{"OnFailure": document{"Destination": queueARN}},
	}, &mapping)
	if err != nil {
		return w, err
	}
	w.mapping = mapping.UUID
	err = until(ctx, "the mapping is enabled", func() (bool, error) {
		err := c.lambda(ctx, "GetEventSourceMapping", http.MethodGet, "event-source-mappings/"+w.mapping, nil, &mapping)
		return mapping.State == "Enabled", err
	})
	v.step("mapping", "batches of %d, bisect on error, %d retries, then the queue", batchSize, retries)
	return w, err
}

func (c *clients) buildFunction(ctx context.Context, ledger string) error {
	code, err := bootstrap.ZipSelf()
	if err != nil {
		return err
	}
	err = c.lambda(ctx, "CreateFunction", http.MethodPost, "functions", document{
		"FunctionName": functionName,
		"Role":         "arn:aws:iam::" + account + ":role/demo",
		"Runtime":      "provided.al2023",
		"Handler":      HandlerName,
		"Timeout":      30,
		"Code":         document{"ZipFile": code},
		"Environment":  document{"Variables": document{ledgerVariable: ledger}},
	}, nil)
	if err != nil {
		return err
	}
	return until(ctx, "the function is active", func() (bool, error) {
		var f struct{ State, StateReason string }
		err := c.lambda(ctx, "GetFunctionConfiguration", http.MethodGet, "functions/"+functionName+"/configuration", nil, &f)
		if f.State == "Failed" {
			err = fmt.Errorf("the function failed: %s", f.StateReason)
		}
		return f.State == "Active", err
	})
}

func (c *clients) buildStream(ctx context.Context) (arn string, err error) {
	_, err = c.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{
		StreamName: aws.String(streamName),
		ShardCount: aws.Int32(shardCount),
	})
	if err != nil {
		return "", err
	}
	err = until(ctx, "the stream is active", func() (bool, error) {
		d, err := c.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(streamName)})
		if err != nil {
			return false, err
		}
		arn = aws.ToString(d.StreamDescriptionSummary.StreamARN)
		return d.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive, nil
	})
	return arn, err
}

// until asks ready every 20 ms, for at most 30 s.
func until(ctx context.Context, what string, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := ready()
		if err != nil {
			return fmt.Errorf("waiting until %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// mappingPage is what the server tells of a mapping beside the AWS API.
type mappingPage struct {
	Stats struct {
		Invocations int64 `json:"invocations"`
		Retries     int64 `json:"retries"`
		Splits      int64 `json:"splits"`
		Throttles   int64 `json:"throttles"`
		Batches     int64 `json:"batches"`
		Delivered   int64 `json:"delivered"`
		Discarded   int64 `json:"discarded"`
		Shards      []struct {
			ShardID   string `json:"shard_id"`
			Delivered int64  `json:"delivered"`
			Discarded int64  `json:"discarded"`
		} `json:"shards"`
		PutToInvoke latency `json:"put_to_invoke_ms"`
		// FreeLane counts only the records that did not have to wait behind an earlier batch of their lane.
		FreeLane latency `json:"put_to_invoke_free_lane_ms"`
	} `json:"stats"`
}

// latency is a distribution in milliseconds.
type latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
}

// stats reads the mapping's page.
func (c *clients) stats(ctx context.Context, mapping string) (mappingPage, error) {
	var page mappingPage
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.url, "/")+"/_millrace/mappings/"+mapping, nil)
	if err != nil {
		return page, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return page, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return page, fmt.Errorf("%s: %s", request.URL.Path, answer.Status)
	}
	return page, json.NewDecoder(answer.Body).Decode(&page)
}
