package main

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// TestKinesisWithGo leads a stream through its life with AWS's SDK for Go: what is put while its shards are split, merged and
// counted is pushed to a consumer, which goes from parents to children.
func TestKinesisWithGo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start()
	w := &walk{house: h, name: aws.String("walked"), last: map[string]int{}}
	ctx := t.Context()
	_, err := h.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: w.name, ShardCount: aws.Int32(2), Tags: map[string]string{"made": "here"}})
	h.check(err)
	arn := w.active()
	consumer, err := h.kinesis.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("reader")})
	h.check(err)
	w.consumer = consumer.Consumer.ConsumerARN
	h.await("the consumer is active", func() bool {
		d, err := h.kinesis.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: w.consumer})
		h.check(err)
		return d.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive
	})

	w.put()
	_, err = h.kinesis.SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: w.name, ShardToSplit: aws.String("0"), NewStartingHashKey: aws.String(new(big.Int).Lsh(big.NewInt(1), 126).String()),
	})
	h.check(err)
	w.active()
	w.put()
	_, err = h.kinesis.MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamARN: arn, ShardToMerge: aws.String("shardId-000000000003"), AdjacentShardToMerge: aws.String("shardId-000000000001"),
	})
	h.check(err)
	w.active()
	w.put()
	count, err := h.kinesis.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: w.name, TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling})
	h.check(err)
	if *count.CurrentShardCount != 2 || *count.TargetShardCount != 4 {
		t.Errorf("%+v", count)
	}
	w.active()
	w.put()
	w.readAll()

	w.attributes(arn)
	_, err = h.kinesis.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: w.name, EnforceConsumerDeletion: aws.Bool(true)})
	h.check(err)
	h.check(kinesis.NewStreamNotExistsWaiter(h.kinesis).Wait(ctx, &kinesis.DescribeStreamInput{StreamName: w.name}, time.Minute,
		func(o *kinesis.StreamNotExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond }))
	h.stop()
}

// walk is one through the life of a stream.
type walk struct {
	*house
	name, consumer *string
	rounds         int
	last           map[string]int // the records that have been read of a key
}

const walkKeys = 20

// active waits as the SDK does, and returns the stream's ARN.
func (w *walk) active() *string {
	w.t.Helper()
	d, err := kinesis.NewStreamExistsWaiter(w.kinesis).WaitForOutput(w.t.Context(), &kinesis.DescribeStreamInput{StreamName: w.name}, time.Minute,
		func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond })
	w.check(err)
	return d.StreamDescription.StreamARN
}

// put puts five records of each key, one after the other.
func (w *walk) put() {
	w.t.Helper()
	for range 5 {
		w.rounds++
		var records []types.PutRecordsRequestEntry
		for i := range walkKeys {
			records = append(records, types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint("key-", i)), Data: fmt.Append(nil, w.rounds)})
		}
		out, err := w.kinesis.PutRecords(w.t.Context(), &kinesis.PutRecordsInput{StreamName: w.name, Records: records})
		w.check(err)
		if *out.FailedRecordCount != 0 {
			w.t.Fatalf("%+v", out)
		}
	}
}

// readAll subscribes to one shard after the other, parents first, and holds what comes to what was put.
func (w *walk) readAll() {
	w.t.Helper()
	shards, err := w.kinesis.ListShards(w.t.Context(), &kinesis.ListShardsInput{StreamName: w.name})
	w.check(err)
	ready, done := []string{"shardId-000000000000", "shardId-000000000001"}, map[string]bool{}
	for len(ready) > 0 {
		shard := ready[0]
		ready, done[shard] = ready[1:], true
		for _, child := range w.read(shard) {
			if !slices.ContainsFunc(child.ParentShards, func(p string) bool { return !done[p] }) {
				ready = append(ready, *child.ShardId)
			}
		}
	}
	if len(done) != len(shards.Shards) {
		w.t.Errorf("%d of %d shards were read", len(done), len(shards.Shards))
	}
	for key, n := range w.last {
		if n != w.rounds {
			w.t.Errorf("%s: %d of %d records", key, n, w.rounds)
		}
	}
	if len(w.last) != walkKeys {
		w.t.Errorf("%d of %d keys", len(w.last), walkKeys)
	}
}

// read reads a shard through a subscription, to its children or to the tip.
func (w *walk) read(shard string) []types.ChildShard {
	w.t.Helper()
	out, err := w.kinesis.SubscribeToShard(w.t.Context(), &kinesis.SubscribeToShardInput{
		ConsumerARN: w.consumer, ShardId: &shard, StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
	})
	w.check(err)
	events := out.GetStream()
	defer events.Close()
	for e := range events.Events() {
		event := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		for _, r := range event.Records {
			if w.last[*r.PartitionKey]++; string(r.Data) != fmt.Sprint(w.last[*r.PartitionKey]) {
				w.t.Fatalf("%s: %s has %s and should have %d", shard, *r.PartitionKey, r.Data, w.last[*r.PartitionKey])
			}
		}
		if len(event.ChildShards) > 0 || len(event.Records) > 0 && *event.MillisBehindLatest == 0 && !w.ends(shard) {
			return event.ChildShards
		}
	}
	w.t.Fatalf("%s: the events ended with %v", shard, events.Err())
	return nil
}

// ends reports whether a shard is closed.
func (w *walk) ends(shard string) bool {
	open, err := w.kinesis.ListShards(w.t.Context(), &kinesis.ListShardsInput{StreamName: w.name, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}})
	w.check(err)
	return !slices.ContainsFunc(open.Shards, func(s types.Shard) bool { return *s.ShardId == shard })
}

// attributes sets and reads tags and retention.
func (w *walk) attributes(arn *string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.kinesis.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: w.name, Tags: map[string]string{"team": "größe"}})
	w.check(err)
	_, err = w.kinesis.TagResource(ctx, &kinesis.TagResourceInput{ResourceARN: w.consumer, Tags: map[string]string{"a:b": "c"}})
	w.check(err)
	_, err = w.kinesis.RemoveTagsFromStream(ctx, &kinesis.RemoveTagsFromStreamInput{StreamARN: arn, TagKeys: []string{"made", "never"}})
	w.check(err)
	tags, err := w.kinesis.ListTagsForStream(ctx, &kinesis.ListTagsForStreamInput{StreamName: w.name})
	w.check(err)
	if len(tags.Tags) != 1 || *tags.Tags[0].Key != "team" || *tags.Tags[0].Value != "größe" {
		w.t.Errorf("%+v", tags.Tags)
	}
	_, err = w.kinesis.IncreaseStreamRetentionPeriod(ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: w.name, RetentionPeriodHours: aws.Int32(72)})
	w.check(err)
	_, err = w.kinesis.DecreaseStreamRetentionPeriod(ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: w.name, RetentionPeriodHours: aws.Int32(48)})
	w.check(err)
	_, err = w.kinesis.DecreaseStreamRetentionPeriod(ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: w.name, RetentionPeriodHours: aws.Int32(72)})
	if refused, ok := errors.AsType[*types.InvalidArgumentException](err); !ok || !strings.HasSuffix(*refused.Message, "Use IncreaseRetentionPeriod API.") {
		w.t.Error(err)
	}
	summary, err := w.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: w.name})
	w.check(err)
	if d := summary.StreamDescriptionSummary; *d.RetentionPeriodHours != 48 || *d.OpenShardCount != 4 || *d.ConsumerCount != 1 {
		w.t.Errorf("%+v", d)
	}
}
