package kinesis_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/stream"
)

// hastyClock can be put forward; waiting on it takes as long as ever.
type hastyClock struct {
	clockwork.Clock
	ahead atomic.Int64
}

func (c *hastyClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.ahead.Load())) }

// fan is a stream of one shard with a consumer, seen through AWS's client.
type fan struct {
	*client.Client
	t        *testing.T
	settings client.Options
	clock    *hastyClock
	consumer *string
}

func newFan(t *testing.T) *fan {
	f := &fan{t: t, clock: &hastyClock{Clock: clockwork.NewRealClock()}}
	f.settings = settings(t, stream.Config{Clock: f.clock})
	f.Client = client.New(f.settings)
	ctx := t.Context()
	if _, err := f.CreateStream(ctx, &client.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1), MaxRecordSizeInKiB: aws.Int32(10 << 10)}); err != nil {
		t.Fatal(err)
	}
	wait := func(o *client.StreamExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Millisecond, time.Second }
	if err := client.NewStreamExistsWaiter(f).Wait(ctx, &client.DescribeStreamInput{StreamName: aws.String("s")}, time.Minute, wait); err != nil {
		t.Fatal(err)
	}
	summary, err := f.DescribeStreamSummary(ctx, &client.DescribeStreamSummaryInput{StreamName: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	registered, err := f.RegisterStreamConsumer(ctx, &client.RegisterStreamConsumerInput{
		StreamARN: summary.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("c"),
	})
	if err != nil || registered.Consumer.ConsumerStatus != types.ConsumerStatusCreating {
		t.Fatal(registered, err)
	}
	f.consumer = registered.Consumer.ConsumerARN
	for {
		described, err := f.DescribeStreamConsumer(ctx, &client.DescribeStreamConsumerInput{ConsumerARN: f.consumer})
		if err != nil || *described.ConsumerDescription.StreamARN != *summary.StreamDescriptionSummary.StreamARN {
			t.Fatal(described, err)
		}
		if described.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive {
			return f
		}
	}
}

func (f *fan) put(data ...string) {
	f.t.Helper()
	for _, d := range data {
		if _, err := f.PutRecord(f.t.Context(), &client.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: []byte(d)}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// subscribe begins a subscription with a client of its own, for in version 1.56.11 the subscriptions of one client read into
// the same buffer.
func (f *fan) subscribe(start types.StartingPosition) *client.SubscribeToShardEventStream {
	f.t.Helper()
	out, err := client.New(f.settings).SubscribeToShard(f.t.Context(), &client.SubscribeToShardInput{
		ConsumerARN: f.consumer, ShardId: aws.String("shardId-000000000000"), StartingPosition: &start,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.GetStream()
}

// collect reads events until it has n records, and returns them and the last continuation.
func (f *fan) collect(s *client.SubscribeToShardEventStream, n int) (data []string, continuation *string) {
	f.t.Helper()
	for len(data) < n {
		e, ok := <-s.Events()
		if !ok {
			f.t.Fatalf("ended after %v: %v", data, s.Err())
		}
		event := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		for _, r := range event.Records {
			if age := time.Since(*r.ApproximateArrivalTimestamp); age < -time.Minute || age > time.Minute || *r.PartitionKey != "k" {
				f.t.Errorf("%+v", r)
			}
			data = append(data, string(r.Data))
		}
		if event.ContinuationSequenceNumber == nil || event.ChildShards != nil || event.MillisBehindLatest == nil ||
			continuation != nil && *event.ContinuationSequenceNumber == *continuation {
			f.t.Errorf("%+v after %v", event, continuation)
		}
		continuation = event.ContinuationSequenceNumber
	}
	return data, continuation
}

// TestSDKSubscribes follows a shard with AWS's own client: what was put before, what is put meanwhile, and what is put
// between two subscriptions; until the consumer goes.
func TestSDKSubscribes(t *testing.T) {
	f := newFan(t)
	f.put("0")
	s := f.subscribe(types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon})
	if got, _ := f.collect(s, 1); !slices.Equal(got, []string{"0"}) {
		t.Error(got)
	}
	f.put("1", "2")
	got, at := f.collect(s, 2)
	if !slices.Equal(got, []string{"1", "2"}) {
		t.Error(got)
	}

	_, err := f.SubscribeToShard(t.Context(), &client.SubscribeToShardInput{
		ConsumerARN: f.consumer, ShardId: aws.String("shardId-000000000000"), StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
	})
	if !errors.As(err, new(*types.ResourceInUseException)) {
		t.Errorf("at once again: %v", err)
	}
	f.put("3")
	f.clock.ahead.Add(int64(stream.SubscriptionRest))
	second := f.subscribe(types.StartingPosition{Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: at})
	if got, at = f.collect(second, 1); !slices.Equal(got, []string{"3"}) {
		t.Error(got)
	}
	for range s.Events() { // what came before it was taken over
	}
	if !errors.As(s.Err(), new(*types.ResourceInUseException)) {
		t.Errorf("the first ended with %v", s.Err())
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}

	f.put("4")
	f.clock.ahead.Add(int64(stream.SubscriptionRest))
	third := f.subscribe(types.StartingPosition{Type: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: at})
	if got, _ := f.collect(third, 1); !slices.Equal(got, []string{"4"}) {
		t.Error(got)
	}
	if _, err := f.DeregisterStreamConsumer(t.Context(), &client.DeregisterStreamConsumerInput{ConsumerARN: f.consumer}); err != nil {
		t.Fatal(err)
	}
	for range third.Events() {
	}
	if !errors.As(third.Err(), new(*types.ResourceNotFoundException)) {
		t.Errorf("the third ended with %v", third.Err())
	}
}

// TestSDKSubscribesToMuch catches up with more than an event holds, the largest record that there can be among it.
func TestSDKSubscribesToMuch(t *testing.T) {
	f := newFan(t)
	want := []string{"first"}
	for i := range 40 {
		want = append(want, fmt.Sprintf("%d%65536d", i, i))
	}
	want = append(want, fmt.Sprintf("%*d", stream.MaxRecordBytes-1, 0), "last")
	f.put(want...)
	s := f.subscribe(types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon})
	defer s.Close()
	if got, _ := f.collect(s, len(want)); !slices.Equal(got, want) {
		t.Errorf("%d records, want %d, or other ones", len(got), len(want))
	}
}

// TestSDKSubscribesToTheEnd follows a shard that is split to its end.
func TestSDKSubscribesToTheEnd(t *testing.T) {
	f := newFan(t)
	f.put("0")
	s := f.subscribe(types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon})
	f.collect(s, 1)
	if _, err := f.SplitShard(t.Context(), &client.SplitShardInput{
		StreamName: aws.String("s"), ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("170141183460469231731687303715884105728"),
	}); err != nil {
		t.Fatal(err)
	}
	var last types.SubscribeToShardEvent
	for e := range s.Events() {
		if last.ChildShards != nil {
			t.Errorf("%+v is not the last event", last)
		}
		last = e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
	}
	if s.Err() != nil || last.ContinuationSequenceNumber != nil || len(last.Records) != 0 || len(last.ChildShards) != 2 ||
		*last.ChildShards[1].ShardId != "shardId-000000000002" || last.ChildShards[1].ParentShards[0] != "shardId-000000000000" {
		t.Errorf("%+v, %v", last, s.Err())
	}
}
