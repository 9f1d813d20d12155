package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const (
	fanShards    = 25
	fanConsumers = 20
)

// TestManySubscriptions has as many idle subscriptions as a stream of 25 shards can have, each on a connection of its own and
// all on one, looks at what they cost, wakes them all, and stops the server under them: each ends as it should.
func TestManySubscriptions(t *testing.T) {
	for _, way := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(way, func(t *testing.T) {
			h := newHouse(t)
			h.start()
			consumers := h.fan()
			transport := &http.Transport{Protocols: new(http.Protocols)}
			defer transport.CloseIdleConnections()
			if way == "HTTP/2" {
				transport.Protocols.SetUnencryptedHTTP2(true)
			} else {
				transport.Protocols.SetHTTP1(true)
			}
			client := &http.Client{Transport: transport}

			before := h.gauges()
			var events []io.Reader
			for _, consumer := range consumers {
				for shard := range fanShards {
					events = append(events, h.subscribe(client, consumer, shard))
				}
			}
			after := h.gauges()
			each := func(name string) float64 { return (after[name] - before[name]) / float64(len(events)) }
			t.Logf("%d subscriptions, each: %.1f goroutines, %.1f KiB of stacks, %.1f KiB of heap, %.1f KiB resident", len(events),
				each("go_goroutines"), each("go_memstats_stack_inuse_bytes")/1024, each("go_memstats_heap_alloc_bytes")/1024, each("process_resident_memory_bytes")/1024)
			if each("go_goroutines") > 2.1 || each("go_memstats_stack_inuse_bytes")+each("go_memstats_heap_alloc_bytes") > 128<<10 {
				t.Errorf("before %v, after %v", before, after)
			}

			h.putToAll()
			for i, e := range events {
				if kind, payload := message(t, e); kind != "SubscribeToShardEvent" || !strings.Contains(payload, `"Data":"eA=="`) {
					t.Fatalf("subscription %d got %s %s", i, kind, payload)
				}
			}
			begun := time.Now()
			h.stop()
			if took := time.Since(begun); took > 8*time.Second { // it would wait 10 s for those who do not end
				t.Errorf("the stop took %s", took)
			}
			for i, e := range events {
				if _, err := io.Copy(io.Discard, e); err != nil {
					t.Fatalf("subscription %d ended with %v", i, err)
				}
			}
		})
	}
}

// fan makes the stream and its consumers, whose ARNs it returns.
func (h *house) fan() (consumers []string) {
	h.t.Helper()
	ctx := h.t.Context()
	_, err := h.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("fan"), ShardCount: aws.Int32(fanShards)})
	h.check(err)
	var arn *string
	h.await("the stream is active", func() bool {
		s, err := h.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("fan")})
		h.check(err)
		arn = s.StreamDescriptionSummary.StreamARN
		return s.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive
	})
	for i := range fanConsumers {
		c, err := h.kinesis.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String(fmt.Sprint("c", i))})
		h.check(err)
		h.await("the consumer is active", func() bool {
			d, err := h.kinesis.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: c.Consumer.ConsumerARN})
			h.check(err)
			return d.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive
		})
		consumers = append(consumers, *c.Consumer.ConsumerARN)
	}
	return consumers
}

// subscribe begins a subscription to an empty shard and reads its initial response.
func (h *house) subscribe(client *http.Client, consumer string, shard int) io.Reader {
	h.t.Helper()
	body := fmt.Sprintf(`{"ConsumerARN":%q,"ShardId":"shardId-%012d","StartingPosition":{"Type":"TRIM_HORIZON"}}`, consumer, shard)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, h.url, strings.NewReader(body))
	h.check(err)
	r.Header.Set("X-Amz-Target", "Kinesis_20131202.SubscribeToShard")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := client.Do(r)
	h.check(err)
	h.t.Cleanup(func() { answer.Body.Close() })
	if kind, _ := message(h.t, answer.Body); kind != "initial-response" {
		h.t.Fatalf("%d, then %s", answer.StatusCode, kind)
	}
	return answer.Body
}

// message reads one that is not an idle event.
func message(t *testing.T, from io.Reader) (kind, payload string) {
	t.Helper()
	for {
		m, err := eventstream.NewDecoder().Decode(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		if payload = string(m.Payload); !strings.Contains(payload, `"Records":[]`) {
			return m.Headers.Get(":event-type").String(), payload
		}
	}
}

// putToAll puts a record into each shard.
func (h *house) putToAll() {
	h.t.Helper()
	shards, err := h.kinesis.ListShards(h.t.Context(), &kinesis.ListShardsInput{StreamName: aws.String("fan")})
	h.check(err)
	for _, s := range shards.Shards {
		_, err := h.kinesis.PutRecord(h.t.Context(), &kinesis.PutRecordInput{
			StreamName: aws.String("fan"), PartitionKey: aws.String("k"), ExplicitHashKey: s.HashKeyRange.StartingHashKey, Data: []byte("x"),
		})
		h.check(err)
	}
}

// gauges reads the server's metrics that have no labels.
func (h *house) gauges() map[string]float64 {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/metrics", nil)
	h.check(err)
	answer, err := http.DefaultClient.Do(r)
	h.check(err)
	defer answer.Body.Close()
	found := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && !strings.HasPrefix(name, "#") {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				found[name] = v
			}
		}
	}
	return found
}
