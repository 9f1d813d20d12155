package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// SendMessage puts a message into a queue. It is durable when the answer is given.
func (d *Door) SendMessage(ctx context.Context, in *SendMessageRequest) (*SendMessageResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	f := facts{call: call, number: protocol.Value(in.DelaySeconds)}
	m, err := newMessage(call, &SendMessageBatchRequestEntry{
		MessageBody: in.MessageBody, DelaySeconds: in.DelaySeconds, MessageAttributes: in.MessageAttributes,
		MessageSystemAttributes: in.MessageSystemAttributes, MessageDeduplicationId: in.MessageDeduplicationId,
		MessageGroupId: in.MessageGroupId,
	})
	if err != nil {
		return nil, err
	}
	sent, err := d.Queues.Send(ctx, name, m)
	if err == nil {
		err = sent[0].Err
	}
	if err != nil {
		return nil, f.translate(err)
	}
	return &SendMessageResult{
		MessageId: new(sent[0].ID), MD5OfMessageBody: new(sent[0].Digest),
		MD5OfMessageAttributes:       protocol.Optional(sent[0].AttributesDigest),
		MD5OfMessageSystemAttributes: protocol.Optional(sent[0].TraceDigest),
		SequenceNumber:               protocol.Optional(sent[0].SequenceNumber),
	}, nil
}
