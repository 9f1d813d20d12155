package kinesis

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// GetRecords reads on from an iterator. It does not wait: an empty answer is a normal one.
func (d *Door) GetRecords(ctx context.Context, in *GetRecordsInput) (*GetRecordsOutput, error) {
	call := protocol.CallFrom(ctx)
	limit := 0
	if in.Limit != nil {
		limit = *in.Limit
	}
	if isTrue(in.DryRun) {
		limit = 1 // of which nothing will be said
	}
	page, err := d.Streams.GetRecords(ctx, call.Account, call.Region, in.ShardIterator, limit)
	if err != nil {
		return nil, translate(err, noStream(call))
	}
	if in.StreamARN != nil && *in.StreamARN != page.Name.ARN() {
		return nil, invalidArgument(fmt.Sprintf("StreamARN %s is not that of the stream that the ShardIterator reads.", *in.StreamARN))
	}
	if isTrue(in.DryRun) {
		return nil, dryRun(nil)
	}
	out := &GetRecordsOutput{Records: recordShapes(page.Shard, page.Records), MillisBehindLatest: new(page.MillisBehind)}
	if page.Iterator != "" {
		out.NextShardIterator = &page.Iterator
		return out, nil
	}
	out.ChildShards = childShapes(page.Children)
	return out, nil
}

func recordShapes(shard stream.Shard, records []stream.Record) []Record {
	shapes := make([]Record, len(records))
	for i := range records {
		shapes[i] = recordShape(shard, &records[i])
	}
	return shapes
}

func recordShape(shard stream.Shard, r *stream.Record) Record {
	return Record{
		SequenceNumber:              shard.SequenceNumber(r.Position, r.Arrival).String(),
		ApproximateArrivalTimestamp: &r.Arrival,
		Data:                        r.Data,
		PartitionKey:                r.PartitionKey,
		EncryptionType:              encryptionType(r.Encrypted),
	}
}

// childShapes describes the shards that go on where a closed one ended.
func childShapes(children []stream.Shard) []ChildShard {
	shapes := make([]ChildShard, len(children))
	for i, s := range children {
		shapes[i] = ChildShard{
			ShardId:      s.ID(),
			HashKeyRange: &HashKeyRange{StartingHashKey: s.Range.Start.String(), EndingHashKey: s.Range.End.String()},
		}
		for _, parent := range []int64{s.Parent, s.AdjacentParent} {
			if parent != stream.NoParent {
				shapes[i].ParentShards = append(shapes[i].ParentShards, stream.ShardID(uint32(parent)))
			}
		}
	}
	return shapes
}
