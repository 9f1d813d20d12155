package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// recordsPerCall are the sizes of the put calls.
var recordsPerCall = []int{1, 500}

const (
	putStream = "bench-put"
	putShards = 4
)

// measurePuts puts through HTTP: one record a call, and 500, from few and many connections.
func measurePuts(ctx context.Context, o Options, c *client, r *Report) error {
	if err := c.createStream(ctx, putStream, putShards); err != nil {
		return err
	}
	for _, records := range recordsPerCall {
		for _, n := range connections {
			operation := "PutRecords"
			if records == 1 {
				operation = "PutRecord"
			}
			answers := make([]bytes.Buffer, n)
			bodies := make([][]byte, n)
			for i := range bodies {
				bodies[i] = putBody(putStream, records, recordBytes, i)
			}
			rate, err := timed(ctx, o, n, records, func(ctx context.Context, worker int) error {
				err := c.kinesis(ctx, operation, bodies[worker], &answers[worker])
				if err == nil && records > 1 && !bytes.Contains(answers[worker].Bytes(), []byte(`"FailedRecordCount":0`)) {
					err = errors.New("some records were turned away")
				}
				return err
			})
			if err != nil {
				return err
			}
			r.Put = append(r.Put, rate)
		}
	}
	return nil
}

// getFor bounds the reading of what was put.
const getFor = 10 * time.Second

// getCalls is how many calls fill the stream that is read, when measurePuts did not.
const getCalls = 400

// measureGets reads everything that measurePuts put, shard after shard, from one connection.
func measureGets(ctx context.Context, o Options, c *client, r *Report) error {
	if !o.wants("put") {
		if err := c.createStream(ctx, putStream, putShards); err != nil {
			return err
		}
		body := putBody(putStream, 500, recordBytes, 1)
		for range getCalls {
			if err := c.kinesis(ctx, "PutRecords", body, nil); err != nil {
				return err
			}
		}
	}
	var all samples
	var page bytes.Buffer
	clock := startTimer(getFor.Seconds())
	records := 0
	for shard := range putShards {
		var at struct{ ShardIterator string }
		body := fmt.Appendf(nil, `{"StreamName":%q,"ShardId":"shardId-%012d","ShardIteratorType":"TRIM_HORIZON"}`, putStream, shard)
		if err := c.kinesis(ctx, "GetShardIterator", body, &at); err != nil {
			return err
		}
		for clock.running() {
			begun := clock.elapsed()
			if err := c.kinesis(ctx, "GetRecords", fmt.Appendf(nil, `{"ShardIterator":%q}`, at.ShardIterator), &page); err != nil {
				return err
			}
			all.add(clock.elapsed() - begun)
			n := bytes.Count(page.Bytes(), []byte(`"SequenceNumber"`))
			if n == 0 {
				break
			}
			records += n
			if at.ShardIterator = stringMember(page.Bytes(), "NextShardIterator"); at.ShardIterator == "" {
				return errors.New("GetRecords gave no next iterator")
			}
		}
	}
	perSecond := float64(records) / clock.elapsed().Seconds()
	r.GetRecords = Rate{
		Connections: 1, Records: records / max(all.count(), 1),
		PerSecond: perSecond, Megabytes: perSecond * recordBytes / 1e6, Latency: all.latency(),
	}
	return nil
}

// stringMember finds a member of a JSON object whose value is a string without escapes. A decoder would spend its time
// on the megabytes of data beside it.
func stringMember(object []byte, name string) string {
	_, after, found := bytes.Cut(object, []byte(`"`+name+`":"`))
	if !found {
		return ""
	}
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return string(value)
}
