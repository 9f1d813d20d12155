package sqs

import "context"

// TagQueue adds tags to a queue, or changes their values.
func (d *Door) TagQueue(ctx context.Context, in *TagQueueRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return err
	}
	if len(in.Tags) == 0 {
		return fault(ErrorMissingParameter, "The request must contain the parameter Tags.")
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return facts{call: call, queue: name.Name}.translate(d.Queues.Tag(ctx, name, in.Tags))
}
