package sqs

import "context"

// DeleteMessageBatch deletes up to ten messages with one write. Entries fail one by one.
func (d *Door) DeleteMessageBatch(
	ctx context.Context, in *DeleteMessageBatchRequest,
) (*DeleteMessageBatchResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if _, err := d.Queues.Describe(ctx, name); err != nil {
		return nil, facts{call: call}.translate(err)
	}
	ids := idsOf(in.Entries, func(e *DeleteMessageBatchRequestEntry) string { return e.Id })
	if err := checkBatch("DeleteMessageBatch", ids); err != nil {
		return nil, err
	}
	handles := idsOf(in.Entries, func(e *DeleteMessageBatchRequestEntry) string { return e.ReceiptHandle })
	refused, err := d.Queues.DeleteMessages(ctx, name, handles...)
	if err != nil {
		return nil, facts{call: call}.translate(err)
	}
	out := new(DeleteMessageBatchResult)
	for i, err := range refused {
		if err == nil {
			out.Successful = append(out.Successful, DeleteMessageBatchResultEntry{Id: ids[i]})
			continue
		}
		failed, ok := failedEntry(ids[i], facts{call: call, handle: handles[i]}.translate(err))
		if !ok {
			return nil, err
		}
		out.Failed = append(out.Failed, failed)
	}
	return out, nil
}
