package sqs

import "context"

// DeleteMessage deletes the message that the receipt handle names, whoever has received it since.
func (d *Door) DeleteMessage(ctx context.Context, in *DeleteMessageRequest) error {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return err
	}
	refused, err := d.Queues.DeleteMessages(ctx, name, in.ReceiptHandle)
	if err == nil {
		err = refused[0]
	}
	return facts{call: call, handle: in.ReceiptHandle}.translate(err)
}
