package sqs

import (
	"context"

	"github.com/millrace/millrace/queue"
)

// ChangeMessageVisibility hides a message for that long from now, or lets it go.
func (d *Door) ChangeMessageVisibility(ctx context.Context, in *ChangeMessageVisibilityRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return err
	}
	refused, err := d.Queues.ChangeVisibility(ctx, name,
		queue.VisibilityChange{Handle: in.ReceiptHandle, Timeout: seconds(in.VisibilityTimeout)})
	if err == nil {
		err = refused[0]
	}
	return facts{call: call, handle: in.ReceiptHandle, number: in.VisibilityTimeout}.translate(err)
}
