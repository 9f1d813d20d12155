package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// PutRecord stores one record and answers when it is durable.
func (d *Door) PutRecord(ctx context.Context, in *PutRecordInput) (*PutRecordOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if err := d.Streams.Usable(ctx, name); err != nil { // judged before anything else of the request
		return nil, translate(err, name)
	}
	hash, err := explicitHash(in.ExplicitHashKey)
	if err != nil {
		return nil, err
	}
	if n := in.SequenceNumberForOrdering; n != nil {
		if err := d.Streams.CheckOrdering(*n); err != nil {
			return nil, invalidArgument(fmt.Sprintf(
				"ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.", *n, name.Name, name.Account))
		}
	}
	entry := stream.Entry{Data: in.Data, PartitionKey: in.PartitionKey, ExplicitHashKey: hash}
	if isTrue(in.DryRun) {
		return nil, dryRun(translate(d.Streams.CheckPut(ctx, name, []stream.Entry{entry}), name))
	}
	put, err := d.Streams.PutOne(ctx, name, entry)
	if err != nil {
		return nil, translate(err, name)
	}
	if err := put.Err; errors.Is(err, stream.ErrThroughput) {
		return nil, &protocol.Error{Code: ProvisionedThroughputExceededException, Message: rateExceeded(put.Shard, name)}
	} else if err != nil {
		return nil, err
	}
	return &PutRecordOutput{
		ShardId:        stream.ShardID(put.Shard),
		SequenceNumber: put.SequenceNumber.String(),
		EncryptionType: encryptionType(put.Encrypted),
	}, nil
}

// explicitHash reads an ExplicitHashKey, if there is one.
func explicitHash(key *string) (*stream.Hash, error) {
	if key == nil {
		return nil, nil
	}
	hash, err := stream.ParseHash(*key)
	if err != nil {
		return nil, invalidArgument(fmt.Sprintf(
			"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", *key))
	}
	return &hash, nil
}

func rateExceeded(shard uint32, name stream.Name) string {
	return fmt.Sprintf("Rate exceeded for shard %s in stream %s under account %s.", stream.ShardID(shard), name.Name, name.Account)
}
