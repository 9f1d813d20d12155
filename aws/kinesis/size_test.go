package kinesis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/aws/kinesis"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/protocol/wire"
)

// TestAnswersKnowTheirSize holds what answers say of their size against what they take: enough for the usual, and not much more.
func TestAnswersKnowTheirSize(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123)
	number, shard, encryption := strings.Repeat("4", 56), "shardId-000000000000", "KMS"
	for _, size := range []int{0, 1, 100, 1024, 100_000} {
		records := make([]kinesis.Record, 100)
		results := make([]kinesis.PutRecordsResultEntry, 500)
		for i := range records {
			records[i] = kinesis.Record{
				SequenceNumber: number, ApproximateArrivalTimestamp: &now, Data: make([]byte, size), PartitionKey: "customer-000001",
				EncryptionType: &encryption,
			}
		}
		for i := range results {
			results[i] = kinesis.PutRecordsResultEntry{SequenceNumber: &number, ShardId: &shard}
		}
		iterator := strings.Repeat("A", 300)
		for _, out := range []wire.Sized{
			&kinesis.GetRecordsOutput{Records: records, NextShardIterator: &iterator, MillisBehindLatest: new(int64(1))},
			&kinesis.SubscribeToShardEvent{Records: records, ContinuationSequenceNumber: &number, MillisBehindLatest: 1},
			&kinesis.PutRecordsOutput{Records: results, FailedRecordCount: new(0), EncryptionType: &encryption},
		} {
			text, binary := len(protocol.EncodingJSON.Append(nil, out)), len(protocol.EncodingCBOR.Append(nil, out))
			if said := out.Size(); max(text, binary) > said || said > 2*text {
				t.Errorf("%T with %d bytes a record: %d of JSON, %d of CBOR, said %d", out, size, text, binary, said)
			}
		}
	}
}

// BenchmarkEvent writes an event of SubscribeToShard with 100 records of 1 KiB, as it goes into a frame; divide by 100 for a
// record.
func BenchmarkEvent(b *testing.B) {
	now, number := time.UnixMilli(1_700_000_000_123), strings.Repeat("4", 56)
	records := make([]kinesis.Record, 100)
	for i := range records {
		records[i] = kinesis.Record{SequenceNumber: number, ApproximateArrivalTimestamp: &now, Data: make([]byte, 1024), PartitionKey: "customer-000001"}
	}
	event := &kinesis.SubscribeToShardEvent{Records: records, ContinuationSequenceNumber: &number, MillisBehindLatest: 1}
	for name, encoding := range map[string]protocol.Encoding{"JSON": protocol.EncodingJSON, "CBOR": protocol.EncodingCBOR} {
		b.Run(name, func(b *testing.B) {
			buffer := make([]byte, 0, event.Size())
			b.ReportAllocs()
			for b.Loop() {
				buffer = encoding.Append(buffer[:0], event)
			}
		})
	}
}
