package sqs

import "context"

// UntagQueue removes tags of a queue.
func (d *Door) UntagQueue(ctx context.Context, in *UntagQueueRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return err
	}
	if len(in.TagKeys) == 0 {
		return invalidValue("Tag keys must be between 1 and 128 characters in length.")
	}
	return facts{call: call}.translate(d.Queues.Untag(ctx, name, in.TagKeys))
}
