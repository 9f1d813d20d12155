package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// SendMessageBatch puts up to ten messages into a queue, with one write for all. Entries fail one by one.
func (d *Door) SendMessageBatch(ctx context.Context, in *SendMessageBatchRequest) (*SendMessageBatchResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q, err := d.Queues.Describe(ctx, name)
	if err != nil {
		return nil, facts{call: call}.translate(err)
	}
	ids := idsOf(in.Entries, func(e *SendMessageBatchRequestEntry) string { return e.Id })
	if err := checkBatch("SendMessageBatch", ids); err != nil {
		return nil, err
	}
	if err := checkOrder(q, in.Entries); err != nil {
		return nil, err
	}
	sent, err := d.sendAll(ctx, call, name, in.Entries)
	if err != nil {
		return nil, facts{call: call}.translate(err)
	}
	out := new(SendMessageBatchResult)
	for i := range in.Entries {
		e, s := &in.Entries[i], sent[i]
		if s.Err == nil {
			out.Successful = append(out.Successful, SendMessageBatchResultEntry{
				Id: e.Id, MessageId: s.ID, MD5OfMessageBody: s.Digest,
				MD5OfMessageAttributes:       protocol.Optional(s.AttributesDigest),
				MD5OfMessageSystemAttributes: protocol.Optional(s.TraceDigest),
				SequenceNumber:               protocol.Optional(s.SequenceNumber),
			})
			continue
		}
		f := facts{call: call, number: protocol.Value(e.DelaySeconds)}
		failed, ok := failedEntry(e.Id, sendFailure(f.translate(s.Err)))
		if !ok {
			return nil, s.Err
		}
		out.Failed = append(out.Failed, failed)
	}
	return out, nil
}

// sendAll sends the entries that can be made messages, and answers for all in their order.
func (d *Door) sendAll(
	ctx context.Context, call protocol.Call, name queue.Name, entries []SendMessageBatchRequestEntry,
) ([]queue.Sent, error) {
	all := make([]queue.Sent, len(entries))
	var messages []queue.Message
	var places []int
	for i := range entries {
		m, err := newMessage(call, &entries[i])
		if err != nil {
			all[i].Err = err
			continue
		}
		messages, places = append(messages, m), append(places, i)
	}
	sent, err := d.Queues.Send(ctx, name, messages...)
	if err != nil {
		return nil, err
	}
	for i, s := range sent {
		all[places[i]] = s
	}
	return all, nil
}
