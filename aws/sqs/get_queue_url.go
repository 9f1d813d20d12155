package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// GetQueueUrl returns the URL of a queue.
func (d *Door) GetQueueUrl(ctx context.Context, in *GetQueueUrlRequest) (*GetQueueUrlResult, error) {
	call := protocol.CallFrom(ctx)
	name := queue.Name{Account: call.Account, Region: call.Region, Name: in.QueueName}
	if owner := protocol.Value(in.QueueOwnerAWSAccountId); owner != "" && owner != call.Account {
		return nil, foreignQueue()
	}
	if _, err := d.Queues.Describe(ctx, name); err != nil {
		return nil, facts{call: call}.translate(err)
	}
	return &GetQueueUrlResult{QueueUrl: new(queueURL(call, name))}, nil
}
