package sqs

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/queue"
)

// ChangeMessageVisibilityBatch is ChangeMessageVisibility for up to ten messages. Entries fail one by one.
func (d *Door) ChangeMessageVisibilityBatch(
	ctx context.Context, in *ChangeMessageVisibilityBatchRequest,
) (*ChangeMessageVisibilityBatchResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if _, err := d.Queues.Describe(ctx, name); err != nil {
		return nil, facts{call: call}.translate(err)
	}
	ids := idsOf(in.Entries, func(e *ChangeMessageVisibilityBatchRequestEntry) string { return e.Id })
	if err := checkBatch("ChangeMessageVisibilityBatch", ids); err != nil {
		return nil, err
	}
	changes := make([]queue.VisibilityChange, len(in.Entries))
	for i := range in.Entries {
		e := &in.Entries[i]
		if e.VisibilityTimeout == nil {
			return nil, fault(ErrorMissingParameter, fmt.Sprintf("The request must contain the parameter "+
				"ChangeMessageVisibilityBatchRequestEntry.%d.VisibilityTimeout.", i+1))
		}
		changes[i] = queue.VisibilityChange{Handle: e.ReceiptHandle, Timeout: seconds(*e.VisibilityTimeout)}
	}
	refused, err := d.Queues.ChangeVisibility(ctx, name, changes...)
	if err != nil {
		return nil, facts{call: call}.translate(err)
	}
	out := new(ChangeMessageVisibilityBatchResult)
	for i, err := range refused {
		if err == nil {
			out.Successful = append(out.Successful, ChangeMessageVisibilityBatchResultEntry{Id: ids[i]})
			continue
		}
		e := &in.Entries[i]
		f := facts{call: call, handle: e.ReceiptHandle, number: *e.VisibilityTimeout}
		failed, ok := failedEntry(ids[i], f.translate(err))
		if !ok {
			return nil, err
		}
		out.Failed = append(out.Failed, failed)
	}
	return out, nil
}
