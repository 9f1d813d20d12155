package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// CreateQueue makes a queue, or finds that there is one with equal attributes.
func (d *Door) CreateQueue(ctx context.Context, in *CreateQueueRequest) (*CreateQueueResult, error) {
	call := protocol.CallFrom(ctx)
	if in.Attributes[QueueAttributeNameFifoQueue] == "true" {
		return nil, fault(ErrorInvalidAttributeValue,
			"Invalid value for the parameter FifoQueue. Reason: This server does not support FIFO queues.")
	}
	if len(in.Tags) > 0 {
		return nil, fault(ErrorUnsupportedOperation, "This server does not support tags of queues: parameter tags.")
	}
	name := queue.Name{Account: call.Account, Region: call.Region, Name: in.QueueName}
	if err := d.Queues.Create(ctx, name, in.Attributes); err != nil {
		return nil, facts{call: call}.translate(err)
	}
	return &CreateQueueResult{QueueUrl: new(queueURL(call, name))}, nil
}
