package sqs

import "context"

// PurgeQueue does away with the messages of a queue, once a minute at most.
func (d *Door) PurgeQueue(ctx context.Context, in *PurgeQueueRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err == nil {
		err = d.Queues.Purge(ctx, name)
	}
	return facts{call: call}.translate(err)
}
