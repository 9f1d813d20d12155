package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// failure is the part of a failure document that leads back to the records.
type failure struct {
	RequestContext struct {
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	KinesisBatchInfo struct {
		ShardID             string `json:"shardId"`
		StartSequenceNumber string `json:"startSequenceNumber"`
		BatchSize           int32  `json:"batchSize"`
	} `json:"KinesisBatchInfo"`
}

// DeadLetter is one record that the function refused, found through its failure document.
type DeadLetter struct {
	ShardID        string `json:"shard_id"`
	SequenceNumber string `json:"sequence_number"`
	PartitionKey   string `json:"partition_key"`
	Condition      string `json:"condition"`
	InvokeCount    int    `json:"invoke_count"`
	// Alone says that the record was cut out of its batch: its document is of no other record.
	Alone bool   `json:"alone"`
	Data  string `json:"data"`
}

// deadLetters reads at most `most` documents and fetches the records they speak of. The messages stay in the queue: they
// are hidden while the demo reads and show again after a moment.
func (c *clients) deadLetters(ctx context.Context, queueURL string, most int) ([]DeadLetter, error) {
	var letters []DeadLetter
	for len(letters) < most {
		// Long enough that no message comes twice while this loop runs.
		var answer struct {
			Messages []struct{ Body, ReceiptHandle string }
		}
		in := document{"QueueUrl": queueURL, "MaxNumberOfMessages": 10, "VisibilityTimeout": 60}
		if err := c.sqs(ctx, "ReceiveMessage", in, &answer); err != nil {
			return nil, err
		}
		if len(answer.Messages) == 0 {
			return letters, nil
		}
		for _, m := range answer.Messages {
			var d failure
			if err := json.Unmarshal([]byte(m.Body), &d); err != nil {
				return nil, fmt.Errorf("failure document %q: %w", m.Body, err)
			}
			found, err := c.records(ctx, d)
			if err != nil {
				return nil, err
			}
			letters = append(letters, found...)
			in := document{"QueueUrl": queueURL, "ReceiptHandle": m.ReceiptHandle, "VisibilityTimeout": 5}
			if err := c.sqs(ctx, "ChangeMessageVisibility", in, nil); err != nil {
				return nil, err
			}
		}
	}
	return letters, nil
}

// records fetches the records of a failure document from the stream, where they still are.
func (c *clients) records(ctx context.Context, d failure) ([]DeadLetter, error) {
	iterator, err := c.kinesis.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName:             aws.String(streamName),
		ShardId:                aws.String(d.KinesisBatchInfo.ShardID),
		ShardIteratorType:      kinesistypes.ShardIteratorTypeAtSequenceNumber,
		StartingSequenceNumber: aws.String(d.KinesisBatchInfo.StartSequenceNumber),
	})
	if err != nil {
		return nil, err
	}
	answer, err := c.kinesis.GetRecords(ctx, &kinesis.GetRecordsInput{
		ShardIterator: iterator.ShardIterator,
		Limit:         aws.Int32(d.KinesisBatchInfo.BatchSize),
	})
	if err != nil {
		return nil, err
	}
	var letters []DeadLetter
	for _, r := range answer.Records {
		letters = append(letters, DeadLetter{
			ShardID:        d.KinesisBatchInfo.ShardID,
			SequenceNumber: aws.ToString(r.SequenceNumber),
			PartitionKey:   aws.ToString(r.PartitionKey),
			Condition:      d.RequestContext.Condition,
			InvokeCount:    d.RequestContext.ApproximateInvokeCount,
			Alone:          d.KinesisBatchInfo.BatchSize == 1,
			Data:           string(r.Data),
		})
	}
	return letters, nil
}
