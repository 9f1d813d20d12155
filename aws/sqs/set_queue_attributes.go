package sqs

import "context"

// SetQueueAttributes changes the attributes that are named.
func (d *Door) SetQueueAttributes(ctx context.Context, in *SetQueueAttributesRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err == nil {
		err = d.Queues.SetAttributes(ctx, name, in.Attributes)
	}
	return facts{call: call}.translate(err)
}
