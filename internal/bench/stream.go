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
			rate, err := measurePut(ctx, o, c, operation, n, records)
			if err != nil {
				return err
			}
			r.Put = append(r.Put, rate)
		}
	}
	return nil
}

// measurePut puts from n connections, each of which sends the same request again and again.
func measurePut(ctx context.Context, o Options, c *client, operation string, n, records int) (Rate, error) {
	lines := make([]*line, n)
	for i := range lines {
		l, err := dial(ctx, c.url, operation, putBody(putStream, records, recordBytes, i))
		if err != nil {
			return Rate{}, err
		}
		defer l.close()
		lines[i] = l
	}
	return timed(ctx, o, n, records, func(_ context.Context, worker int) error {
		answer, err := lines[worker].call()
		if err == nil && records > 1 && !bytes.Contains(answer, []byte(`"FailedRecordCount":0`)) {
			err = errors.New("some records were turned away")
		}
		return err
	})
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
	var err error
	r.GetRecords, _, err = readShards(ctx, c, startTimer(getFor.Seconds()))
	return err
}

// readShards reads the stream that was put to, shard after shard, from one connection, as long as the timer runs. It returns how
// many records there were beside the rate.
func readShards(ctx context.Context, c *client, clock timer) (rate Rate, records int, err error) {
	var all samples
	var page bytes.Buffer
	for shard := range putShards {
		var at struct{ ShardIterator string }
		body := fmt.Appendf(nil, `{"StreamName":%q,"ShardId":"shardId-%012d","ShardIteratorType":"TRIM_HORIZON"}`, putStream, shard)
		if err := c.kinesis(ctx, "GetShardIterator", body, &at); err != nil {
			return rate, records, err
		}
		for clock.running() {
			begun := clock.elapsed()
			if err := c.kinesis(ctx, "GetRecords", fmt.Appendf(nil, `{"ShardIterator":%q}`, at.ShardIterator), &page); err != nil {
				return rate, records, err
			}
			all.add(clock.elapsed() - begun)
			n := bytes.Count(page.Bytes(), []byte(`"SequenceNumber"`))
			if n == 0 {
				break
			}
			records += n
			if at.ShardIterator = stringMember(page.Bytes(), "NextShardIterator"); at.ShardIterator == "" {
				return rate, records, errors.New("GetRecords gave no next iterator")
			}
		}
	}
	perSecond := float64(records) / clock.elapsed().Seconds()
	return Rate{
		Connections: 1, Records: records / max(all.count(), 1),
		PerSecond: perSecond, Megabytes: perSecond * recordBytes / 1e6, Latency: all.latency(),
	}, records, nil
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
