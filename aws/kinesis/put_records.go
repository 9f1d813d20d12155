package kinesis

import (
	"context"
	"errors"

	"github.com/millrace/millrace/stream"
)

// PutRecords stores records and answers, for each in the order of the request, whether it is durable.
func (d *Door) PutRecords(ctx context.Context, in *PutRecordsInput) (*PutRecordsOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if err := d.Streams.Usable(ctx, name); err != nil { // judged before anything else of the request
		return nil, translate(err, name)
	}
	entries := make([]stream.Entry, len(in.Records))
	for i := range in.Records {
		r := &in.Records[i]
		hash, err := explicitHash(r.ExplicitHashKey)
		if err != nil {
			return nil, err
		}
		entries[i] = stream.Entry{Data: r.Data, PartitionKey: r.PartitionKey, ExplicitHashKey: hash}
	}
	if isTrue(in.DryRun) {
		return nil, dryRun(translate(d.Streams.CheckPut(ctx, name, entries), name))
	}
	puts, err := d.Streams.Put(ctx, name, entries)
	if err != nil {
		return nil, translate(err, name)
	}
	out := &PutRecordsOutput{Records: make([]PutRecordsResultEntry, len(puts))}
	failed, encrypted := 0, false
	for i, p := range puts {
		switch {
		case p.Err == nil:
			encrypted = encrypted || p.Encrypted
			out.Records[i] = PutRecordsResultEntry{SequenceNumber: new(p.SequenceNumber.String()), ShardId: new(stream.ShardID(p.Shard))}
			continue
		case errors.Is(p.Err, stream.ErrThroughput):
			out.Records[i] = PutRecordsResultEntry{ErrorCode: new(ProvisionedThroughputExceededException), ErrorMessage: new(rateExceeded(p.Shard, name))}
		default:
			out.Records[i] = PutRecordsResultEntry{ErrorCode: new(ErrorInternalFailure), ErrorMessage: new("Internal Service Failure")}
		}
		failed++
	}
	out.FailedRecordCount, out.EncryptionType = &failed, encryptionType(encrypted)
	return out, nil
}
