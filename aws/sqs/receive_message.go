package sqs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// ReceiveMessage takes messages out of sight and returns them, after a wait if the caller or the queue wants one.
// ReceiveRequestAttemptId means something to FIFO queues only.
func (d *Door) ReceiveMessage(ctx context.Context, in *ReceiveMessageRequest) (*ReceiveMessageResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	f := facts{call: call}
	system := slices.Concat(in.MessageSystemAttributeNames, in.AttributeNames)
	for _, n := range system {
		if !receivable(n) {
			return nil, fault(ErrorInvalidAttributeName, "Unknown Attribute "+n+".")
		}
	}
	o := queue.ReceiveOptions{AttemptID: protocol.Value(in.ReceiveRequestAttemptId)}
	if in.MaxNumberOfMessages != nil {
		if o.Max = *in.MaxNumberOfMessages; o.Max == 0 {
			o.Max = -1 // what the room takes for "not given" is out of range here
		}
	}
	if in.WaitTimeSeconds != nil {
		o.Wait = new(seconds(*in.WaitTimeSeconds))
	}
	if in.VisibilityTimeout != nil {
		o.Visibility = new(seconds(*in.VisibilityTimeout))
	}
	received, err := d.Queues.Receive(ctx, name, o)
	switch {
	case errors.Is(err, queue.ErrMaxRange):
		f.number = protocol.Value(in.MaxNumberOfMessages)
	case errors.Is(err, queue.ErrWaitRange):
		f.number = protocol.Value(in.WaitTimeSeconds)
	case errors.Is(err, queue.ErrVisibilityRange):
		f.number = protocol.Value(in.VisibilityTimeout)
	}
	if err != nil {
		return nil, f.translate(err)
	}
	out := new(ReceiveMessageResult)
	for i := range received {
		out.Messages = append(out.Messages, messageOf(&received[i], system, in.MessageAttributeNames))
	}
	return out, nil
}

// receivable reports whether a receive may ask for the system attribute. The older of the two parameters is modelled
// with the names of queues' attributes, which are let pass.
func receivable(name string) bool {
	switch name {
	case MessageSystemAttributeNameAll, MessageSystemAttributeNameSenderId, MessageSystemAttributeNameSentTimestamp,
		MessageSystemAttributeNameApproximateReceiveCount,
		MessageSystemAttributeNameApproximateFirstReceiveTimestamp, MessageSystemAttributeNameSequenceNumber,
		MessageSystemAttributeNameMessageDeduplicationId, MessageSystemAttributeNameMessageGroupId,
		MessageSystemAttributeNameAWSTraceHeader, MessageSystemAttributeNameDeadLetterQueueSourceArn:
		return true
	}
	return readable(name) || ordered(name)
}

// messageOf is a message as the receiver asked for it.
func messageOf(r *queue.Received, system, user []string) Message {
	m := Message{
		MessageId: new(r.ID), ReceiptHandle: new(r.Handle), MD5OfBody: new(r.Digest), Body: new(r.Body),
		Attributes: systemAttributes(r, system),
	}
	chosen := make(map[string]queue.Attribute)
	for name, a := range r.Attributes {
		if !slices.ContainsFunc(user, func(pattern string) bool { return matches(pattern, name) }) {
			continue
		}
		chosen[name] = a
		if m.MessageAttributes == nil {
			m.MessageAttributes = make(map[string]MessageAttributeValue)
		}
		m.MessageAttributes[name] = attributeOf(a)
	}
	m.MD5OfMessageAttributes = protocol.Optional(queue.AttributesDigest(chosen))
	return m
}

// matches reports whether a name was asked for: as it is, by its beginning, or with all.
func matches(pattern, name string) bool {
	if pattern == "All" || pattern == "*" || pattern == name {
		return true
	}
	prefix, ok := strings.CutSuffix(pattern, ".*")
	return ok && strings.HasPrefix(name, prefix)
}

// systemAttributes are those of the message that were asked for.
func systemAttributes(r *queue.Received, names []string) map[string]string {
	all := map[string]string{
		MessageSystemAttributeNameSenderId:                         r.Sender,
		MessageSystemAttributeNameSentTimestamp:                    strconv.FormatInt(r.Sent.UnixMilli(), 10),
		MessageSystemAttributeNameApproximateReceiveCount:          strconv.Itoa(r.Count),
		MessageSystemAttributeNameApproximateFirstReceiveTimestamp: strconv.FormatInt(r.FirstReceived.UnixMilli(), 10),
		MessageSystemAttributeNameAWSTraceHeader:                   r.TraceHeader,
		MessageSystemAttributeNameMessageGroupId:                   r.Group,
		MessageSystemAttributeNameMessageDeduplicationId:           r.DeduplicationID,
		MessageSystemAttributeNameSequenceNumber:                   r.SequenceNumber,
		MessageSystemAttributeNameDeadLetterQueueSourceArn:         r.DeadLetterSource,
	}
	everything := slices.Contains(names, MessageSystemAttributeNameAll)
	for name, v := range all {
		if v == "" || !everything && !slices.Contains(names, name) {
			delete(all, name)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
