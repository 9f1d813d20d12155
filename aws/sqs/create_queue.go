package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// CreateQueue makes a queue, or finds that there is one with equal attributes.
func (d *Door) CreateQueue(ctx context.Context, in *CreateQueueRequest) (*CreateQueueResult, error) {
	call := protocol.CallFrom(ctx)
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	name := queue.Name{Account: call.Account, Region: call.Region, Name: in.QueueName}
	if err := d.Queues.Create(ctx, name, in.Attributes, in.Tags); err != nil {
		return nil, facts{call: call, queue: name.Name}.translate(err)
	}
	return &CreateQueueResult{QueueUrl: new(queueURL(call, name))}, nil
}
