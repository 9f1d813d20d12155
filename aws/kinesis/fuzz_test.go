package kinesis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/wiretest"
	"github.com/millrace/millrace/stream"
)

// FuzzDoor sends whatever comes, as JSON or CBOR, to whatever operation of a room that holds a stream with a record and a
// consumer: the answer is the operation's or an error of AWS's, in the encoding of the request, and never one that the
// server did not mean.
func FuzzDoor(f *testing.F) {
	h, stop := newHouse(f, stream.Config{ShardLimit: 20})
	f.Cleanup(stop)
	var log bytes.Buffer
	door := kinesis.New(h.streams)
	h.Handler = protocol.NewHandler(protocol.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Account: "123456789012", Region: "eu-west-1"}, door)
	operations := door.Operations
	index := func(name string) byte {
		for i, o := range operations {
			if o.Name == name {
				return byte(i)
			}
		}
		f.Fatalf("no operation %s", name)
		return 0
	}
	for _, seed := range [][2]string{
		{"CreateStream", `{"StreamName":"s","ShardCount":2,"StreamModeDetails":{"StreamMode":"PROVISIONED"},"Tags":{"a":"b"}}`},
		{"PutRecord", `{"StreamName":"s","Data":"YQ==","PartitionKey":"k","ExplicitHashKey":"1","SequenceNumberForOrdering":"5"}`},
		{"PutRecords", `{"StreamARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s","Records":[{"Data":"YQ==","PartitionKey":"k"}]}`},
		{"GetShardIterator", `{"StreamName":"s","ShardId":"shardId-0","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1.5}`},
		{"GetShardIterator", `{"StreamName":"s","ShardId":"0","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"21267647932558653966460912964485513216"}`},
		{"GetRecords", `{"ShardIterator":"AAAAAAAAAAE=","Limit":1e9}`},
		{"ListShards", `{"StreamName":"s","MaxResults":1,"ShardFilter":{"Type":"FROM_TIMESTAMP","Timestamp":-1e300}}`},
		{"SplitShard", `{"StreamName":"s","ShardToSplit":"shardId-1","NewStartingHashKey":"340282366920938463463374607431768211455"}`},
		{"MergeShards", `{"StreamName":"s","ShardToMerge":"shardId-0","AdjacentShardToMerge":"shardId-1"}`},
		{"UpdateShardCount", `{"StreamName":"s","TargetShardCount":3,"ScalingType":"UNIFORM_SCALING"}`},
		{"RegisterStreamConsumer", `{"StreamARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s","ConsumerName":"c"}`},
		{"PutResourcePolicy", `{"ResourceARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s","Policy":"{\"Version\":\"2012-10-17\"}"}`},
		{"SubscribeToShard", `{"ConsumerARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1","ShardId":"0","StartingPosition":{"Type":"LATEST"}}`},
	} {
		f.Add(index(seed[0]), []byte(seed[1]), false)
		if body, ok := inCBOR(seed[1]); ok {
			f.Add(index(seed[0]), body, true)
		}
	}
	f.Fuzz(func(t *testing.T, operation byte, body []byte, binary bool) {
		name := operations[int(operation)%len(operations)].Name
		ctx, leave := context.WithTimeout(t.Context(), time.Second) // a subscription would last longer
		defer leave()
		r := newRequest(name, string(body)).WithContext(ctx)
		if binary {
			r.Header.Set("Content-Type", typeCBOR)
		}
		log.Reset()
		w := wiretest.Serve(h, r)
		if log.Len() > 0 {
			t.Fatalf("%s %q: %d, logged %s", name, body, w.Code, log.String())
		}
		judge(t, w, binary)
	})
}

var errorName = regexp.MustCompile(`^[A-Z][A-Za-z]+(Exception|Failure)$`)

// judge holds an answer to its form.
func judge(t *testing.T, w *httptest.ResponseRecorder, binary bool) {
	t.Helper()
	document := w.Body.Bytes()
	if w.Code == 200 && (len(document) == 0 || w.Header().Get("Content-Type") == "application/vnd.amazon.eventstream") {
		return
	}
	var failure struct {
		Type string `json:"__type" cbor:"__type"`
	}
	read := json.Unmarshal
	if binary {
		read = cbor.Unmarshal
	}
	if err := read(document, &failure); err != nil {
		t.Fatalf("%d %q: %v", w.Code, document, err)
	}
	// At a sequence number of the oldest form AWS itself fails.
	ok := w.Code == 200 && failure.Type == "" || w.Code == 400 && errorName.MatchString(failure.Type) || w.Code == 500 && failure.Type == "InternalFailure"
	if !ok {
		t.Fatalf("%d %q", w.Code, document)
	}
}
