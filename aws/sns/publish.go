package sns

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

// Publish hands a message to everything that is subscribed to a topic. It is durable, in the queues or on the way to the other
// endpoints, when the answer is given.
func (d *Door) Publish(ctx context.Context, in *PublishInput) (*PublishResponse, error) {
	if in.PhoneNumber != nil {
		return nil, invalid("PhoneNumber Reason: This server does not send text messages.")
	}
	arn := protocol.Value(in.TopicArn)
	if in.TargetArn != nil {
		if in.TopicArn != nil {
			return nil, invalid("TopicArn or TargetArn Reason: Only one of them can be given")
		}
		arn = *in.TargetArn
	}
	if arn == "" {
		return nil, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	}
	_, name, err := ask(ctx, arn)
	if err != nil {
		return nil, err
	}
	t, err := d.Topics.Describe(name)
	if err != nil {
		return nil, translate(err)
	}
	m, err := newMessage(ctx, t, &PublishBatchRequestEntry{
		Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure, MessageAttributes: in.MessageAttributes,
		MessageGroupId: in.MessageGroupId, MessageDeduplicationId: in.MessageDeduplicationId,
	})
	if err != nil {
		return nil, err
	}
	published, err := d.Topics.Publish(ctx, name, m)
	if err != nil {
		return nil, translate(err)
	}
	return &PublishResponse{MessageId: new(published[0].ID), SequenceNumber: sequence(published[0])}, nil
}

// sequence is the sequence number of a message to a FIFO topic, nil of another.
func sequence(p topic.Published) *string {
	if p.SequenceNumber == "" {
		return nil
	}
	return &p.SequenceNumber
}
