package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/millrace/millrace/stream"
)

// lineage reads a stream with AWS's own client as client libraries do: shards from their start, and at the end of a shard
// the children that the answer names, when all their parents are done.
type lineage struct {
	t       *testing.T
	c       *client.Client
	reading map[string]*string // iterators
	done    map[string]bool
	last    map[string]int // number of the last record of a key
}

func (l *lineage) begin(shard string) {
	l.t.Helper()
	it, err := l.c.GetShardIterator(context.Background(), &client.GetShardIteratorInput{
		StreamName: aws.String("orders"), ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.reading[shard] = it.ShardIterator
}

// step reads once from every shard. It reports whether there was anything new.
func (l *lineage) step() (moved bool) {
	l.t.Helper()
	for shard, it := range l.reading {
		page, err := l.c.GetRecords(context.Background(), &client.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(50)}, patient)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, r := range page.Records {
			var n int
			key, text, _ := strings.Cut(string(r.Data), " ")
			if _, err := fmt.Sscan(text, &n); err != nil || key != *r.PartitionKey || n != l.last[key]+1 {
				l.t.Fatalf("%s has %q after record %d", shard, r.Data, l.last[key])
			}
			l.last[key] = n
		}
		if page.NextShardIterator == nil != (len(page.ChildShards) > 0) {
			l.t.Fatalf("%s: next iterator %v beside children %v", shard, page.NextShardIterator, page.ChildShards)
		}
		moved = moved || len(page.Records) > 0 || page.NextShardIterator == nil
		if l.reading[shard] = page.NextShardIterator; page.NextShardIterator == nil {
			l.end(shard, page.ChildShards)
		}
	}
	return moved
}

// patient lets the client try again. Now and then it loses a connection of its own accord in the middle of a long answer;
// an iterator may be used again.
func patient(o *client.Options) { o.RetryMaxAttempts = 5 }

func (l *lineage) end(shard string, children []types.ChildShard) {
	l.t.Helper()
	delete(l.reading, shard)
	l.done[shard] = true
	for _, child := range children {
		ready := true
		for _, parent := range child.ParentShards {
			ready = ready && l.done[parent]
		}
		if ready {
			l.begin(*child.ShardId)
		}
	}
}

// awaitActive waits until what was asked for is done.
func awaitActive(t *testing.T, c *client.Client) {
	t.Helper()
	wait := func(o *client.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, 50*time.Millisecond
	}
	if err := client.NewStreamExistsWaiter(c).Wait(context.Background(), &client.DescribeStreamInput{StreamName: aws.String("orders")}, time.Minute, wait); err != nil {
		t.Fatal(err)
	}
}

// TestSDKReshards splits, merges and counts shards over HTTP while AWS's own client writes, and reads it all through
// parents and children.
func TestSDKReshards(t *testing.T) {
	c, ctx := connect(t, stream.Config{}), context.Background()
	name := aws.String("orders")
	if _, err := c.CreateStream(ctx, &client.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	awaitActive(t, c)

	stop, sent := make(chan struct{}), map[string]int{}
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			var records []types.PutRecordsRequestEntry
			for j := range 5 {
				key := fmt.Sprint("key", (5*i+j)%23)
				sent[key]++
				records = append(records, types.PutRecordsRequestEntry{PartitionKey: &key, Data: fmt.Appendf(nil, "%s %d", key, sent[key])})
			}
			if out, err := c.PutRecords(ctx, &client.PutRecordsInput{StreamName: name, Records: records}); err != nil || *out.FailedRecordCount != 0 {
				t.Error(out, err)
				return
			}
		}
	})
	steps := []func() error{
		func() error {
			_, err := c.SplitShard(ctx, &client.SplitShardInput{
				StreamName: name, ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("85070591730234615865843651857942052864"),
			})
			return err
		},
		func() error {
			_, err := c.MergeShards(ctx, &client.MergeShardsInput{
				StreamName: name, ShardToMerge: aws.String("shardId-000000000003"), AdjacentShardToMerge: aws.String("shardId-000000000001"),
			})
			return err
		},
		func() error {
			out, err := c.UpdateShardCount(ctx, &client.UpdateShardCountInput{
				StreamName: name, TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling,
			})
			if err == nil && (*out.CurrentShardCount != 2 || *out.TargetShardCount != 4 || *out.StreamName != "orders") {
				t.Errorf("%+v", out)
			}
			return err
		},
	}
	l := &lineage{t: t, c: c, reading: map[string]*string{}, done: map[string]bool{}, last: map[string]int{}}
	l.begin("shardId-000000000000")
	l.begin("shardId-000000000001")
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		l.step()
		awaitActive(t, c)
	}
	close(stop)
	writer.Wait()
	for l.step() {
	}
	for key, n := range sent {
		if l.last[key] != n {
			t.Errorf("%d records of %s, read %d", n, key, l.last[key])
		}
	}
	shards, err := c.ListShards(ctx, &client.ListShardsInput{StreamName: name, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}})
	if err != nil || len(shards.Shards) != 4 {
		t.Errorf("%+v, %v", shards, err)
	}

	// The errors have the client's types.
	_, err = c.SplitShard(ctx, &client.SplitShardInput{StreamName: name, ShardToSplit: aws.String("0"), NewStartingHashKey: aws.String("9")})
	if !errors.As(err, new(*types.InvalidArgumentException)) {
		t.Error(err)
	}
	_, err = c.MergeShards(ctx, &client.MergeShardsInput{StreamName: name, ShardToMerge: aws.String("99"), AdjacentShardToMerge: aws.String("0")})
	if !errors.As(err, new(*types.ResourceNotFoundException)) {
		t.Error(err)
	}
	_, err = c.UpdateShardCount(ctx, &client.UpdateShardCountInput{StreamName: name, TargetShardCount: aws.Int32(100), ScalingType: types.ScalingTypeUniformScaling})
	if !errors.As(err, new(*types.LimitExceededException)) {
		t.Error(err)
	}
	arn := aws.String("arn:aws:kinesis:eu-west-1:123456789012:stream/orders")
	mode := &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
	if _, err := c.UpdateStreamMode(ctx, &client.UpdateStreamModeInput{StreamARN: arn, StreamModeDetails: mode}); err != nil {
		t.Error(err)
	}
	awaitActive(t, c)
	_, err = c.SplitShard(ctx, &client.SplitShardInput{StreamName: name, ShardToSplit: aws.String("0"), NewStartingHashKey: aws.String("9")})
	if !errors.As(err, new(*types.ValidationException)) {
		t.Error(err)
	}
}
