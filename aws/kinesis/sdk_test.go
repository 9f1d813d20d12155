package kinesis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/millrace/millrace/internal/sdkhttp"
	"github.com/millrace/millrace/stream"
)

// connect puts a house on a socket of the loopback and returns AWS's own client for it.
func connect(t *testing.T, c stream.Config) *client.Client {
	t.Helper()
	return client.New(settings(t, c))
}

// settings does the same for whoever needs more than one client.
func settings(t *testing.T, c stream.Config) client.Options {
	t.Helper()
	h, stop := newHouse(t, c)
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		stop()
	})
	return client.Options{
		BaseEndpoint: aws.String(server.URL), Region: region, HTTPClient: sdkhttp.NewClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), RetryMaxAttempts: 1,
	}
}

// TestSDK goes through all operations with AWS's own client, its waiters and its paginators.
func TestSDK(t *testing.T) {
	c, ctx := connect(t, stream.Config{}), context.Background()
	if _, err := c.CreateStream(ctx, &client.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(7)}); err != nil {
		t.Fatal(err)
	}
	wait := func(o *client.StreamExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Millisecond, time.Second }
	if err := client.NewStreamExistsWaiter(c).Wait(ctx, &client.DescribeStreamInput{StreamName: aws.String("orders")}, time.Minute, wait); err != nil {
		t.Fatal(err)
	}
	summary, err := c.DescribeStreamSummary(ctx, &client.DescribeStreamSummaryInput{StreamName: aws.String("orders")})
	if err != nil || *summary.StreamDescriptionSummary.OpenShardCount != 7 || summary.StreamDescriptionSummary.StreamStatus != types.StreamStatusActive {
		t.Fatal(summary, err)
	}
	if age := time.Since(*summary.StreamDescriptionSummary.StreamCreationTimestamp); age < time.Second || age > time.Minute {
		t.Errorf("created %s ago", age)
	}
	arn := summary.StreamDescriptionSummary.StreamARN

	streams, err := c.ListStreams(ctx, &client.ListStreamsInput{})
	if err != nil || len(streams.StreamNames) != 1 || *streams.StreamSummaries[0].StreamARN != *arn {
		t.Errorf("%+v, %v", streams, err)
	}
	described, err := c.DescribeStream(ctx, &client.DescribeStreamInput{StreamARN: arn, Limit: aws.Int32(5)})
	if err != nil || len(described.StreamDescription.Shards) != 5 || !*described.StreamDescription.HasMoreShards {
		t.Errorf("%+v, %v", described, err)
	}
	shards := listShards(t, c, arn)

	sent := make(map[string]string) // data to sequence number
	one, err := c.PutRecord(ctx, &client.PutRecordInput{StreamName: aws.String("orders"), Data: []byte("single"), PartitionKey: aws.String("ключ")})
	if err != nil || one.EncryptionType != "" {
		t.Fatal(one, err)
	}
	sent["single"] = *one.SequenceNumber
	var records []types.PutRecordsRequestEntry
	for i := range 300 {
		records = append(records, types.PutRecordsRequestEntry{Data: fmt.Append(nil, "record ", i), PartitionKey: aws.String(fmt.Sprint(i))})
	}
	many, err := c.PutRecords(ctx, &client.PutRecordsInput{StreamARN: arn, Records: records})
	if err != nil || *many.FailedRecordCount != 0 {
		t.Fatal(many, err)
	}
	for i, r := range many.Records {
		sent[string(records[i].Data)] = *r.SequenceNumber
	}
	for _, shard := range shards {
		for data, number := range readShard(t, c, arn, shard) {
			if sent[data] != number {
				t.Errorf("%q is %s, was %s", data, number, sent[data])
			}
			delete(sent, data)
		}
	}
	if len(sent) != 0 {
		t.Errorf("%d records were not read", len(sent))
	}

	if _, err := c.DeleteStream(ctx, &client.DeleteStreamInput{StreamName: aws.String("orders")}); err != nil {
		t.Fatal(err)
	}
	waitGone := func(o *client.StreamNotExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Millisecond, time.Second }
	if err := client.NewStreamNotExistsWaiter(c).Wait(ctx, &client.DescribeStreamInput{StreamName: aws.String("orders")}, time.Minute, waitGone); err != nil {
		t.Error(err)
	}
}

// listShards pages through the shards two at a time.
func listShards(t *testing.T, c *client.Client, arn *string) (ids []string) {
	t.Helper()
	n := 0
	for in := (&client.ListShardsInput{StreamARN: arn, MaxResults: aws.Int32(2)}); in != nil; n++ {
		page, err := c.ListShards(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Shards {
			ids = append(ids, *s.ShardId)
		}
		if in = nil; page.NextToken != nil {
			in = &client.ListShardsInput{NextToken: page.NextToken, MaxResults: aws.Int32(2)}
		}
	}
	if n != 4 || len(ids) != 7 {
		t.Errorf("%d pages, shards %v", n, ids)
	}
	return ids
}

// readShard reads a shard from its start to its tip.
func readShard(t *testing.T, c *client.Client, arn *string, shard string) map[string]string {
	t.Helper()
	ctx := context.Background()
	start, err := c.GetShardIterator(ctx, &client.GetShardIteratorInput{
		StreamARN: arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(time.Now().Add(-time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for it := start.ShardIterator; ; {
		page, err := c.GetRecords(ctx, &client.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(20), StreamARN: arn})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			found[string(bytes.Clone(r.Data))] = *r.SequenceNumber
			if age := time.Since(*r.ApproximateArrivalTimestamp); age < -time.Second || age > time.Minute || r.EncryptionType != "" {
				t.Errorf("%+v", r)
			}
		}
		if *page.MillisBehindLatest == 0 {
			return found
		}
		it = page.NextShardIterator
	}
}

// TestSDKErrors has the client tell errors apart by their types.
func TestSDKErrors(t *testing.T) {
	c, ctx := connect(t, stream.Config{TransitionDelay: time.Hour, ShardLimit: 10}), context.Background()
	create := func(name string, shards int32) error {
		_, err := c.CreateStream(ctx, &client.CreateStreamInput{StreamName: &name, ShardCount: &shards})
		return err
	}
	if err := create("s", 1); err != nil {
		t.Fatal(err)
	}
	if err := create("s", 1); !errors.As(err, new(*types.ResourceInUseException)) {
		t.Error(err)
	}
	if err := create("t", 10); !errors.As(err, new(*types.LimitExceededException)) {
		t.Error(err)
	}
	if _, err := c.DescribeStream(ctx, &client.DescribeStreamInput{StreamName: aws.String("none")}); !errors.As(err, new(*types.ResourceNotFoundException)) {
		t.Error(err)
	}
	if _, err := c.GetRecords(ctx, &client.GetRecordsInput{ShardIterator: aws.String("x")}); !errors.As(err, new(*types.InvalidArgumentException)) {
		t.Error(err)
	}
	if _, err := c.ListStreams(ctx, &client.ListStreamsInput{Limit: aws.Int32(0)}); !errors.As(err, new(*types.ValidationException)) {
		t.Error(err)
	}
}
