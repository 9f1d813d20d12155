package sqs

import "context"

// DeleteQueue does away with a queue and its messages.
func (d *Door) DeleteQueue(ctx context.Context, in *DeleteQueueRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err == nil {
		err = d.Queues.Delete(ctx, name)
	}
	return facts{call: call}.translate(err)
}
