package sqs

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// traceHeader is the one system attribute that a sender may give.
const traceHeader = MessageSystemAttributeNameForSendsAWSTraceHeader

// newMessage is a message as the room wants it, from one of SendMessage or an entry of SendMessageBatch.
func newMessage(call protocol.Call, in *SendMessageBatchRequestEntry) (queue.Message, error) {
	m := queue.Message{
		Body: in.MessageBody, Sender: cmp.Or(call.Caller.UserID, call.Account), Group: in.MessageGroupId, DeduplicationID: in.MessageDeduplicationId,
	}
	if in.DelaySeconds != nil {
		m.Delay = new(seconds(*in.DelaySeconds))
	}
	for _, name := range slices.Sorted(maps.Keys(in.MessageAttributes)) {
		a, err := newAttribute(name, in.MessageAttributes[name])
		if err != nil {
			return m, err
		}
		if m.Attributes == nil {
			m.Attributes = make(map[string]queue.Attribute, len(in.MessageAttributes))
		}
		m.Attributes[name] = a
	}
	for _, name := range slices.Sorted(maps.Keys(in.MessageSystemAttributes)) {
		a := in.MessageSystemAttributes[name]
		if name != traceHeader {
			return m, invalidValue("Message system attribute name '" + name + "' is invalid.")
		}
		if protocol.Value(a.DataType) != "String" || protocol.Value(a.StringValue) == "" {
			return m, invalidValue("Message (system) attribute '" + name + "' must contain a non-empty value of type 'String'.")
		}
		m.TraceHeader = *a.StringValue
	}
	return m, nil
}

// seconds is a parameter as a duration. Numbers that no parameter may have become one that is out of range, too.
func seconds(n int) time.Duration {
	return time.Duration(min(max(n, -1), 1<<20)) * time.Second
}

func invalidValue(text string) error { return fault(ErrorInvalidParameterValue, text) }

// newAttribute is a message's attribute as the room wants it: one value of the kind that its type says.
func newAttribute(name string, in MessageAttributeValue) (queue.Attribute, error) {
	a := queue.Attribute{Type: protocol.Value(in.DataType), Text: protocol.Value(in.StringValue), Binary: in.BinaryValue}
	quoted := "attribute '" + name + "'"
	switch {
	case in.StringListValues != nil || in.BinaryListValues != nil:
		return a, invalidValue("Message attribute list values in SendMessage operation are not supported.")
	case in.DataType == nil && in.StringValue == nil && in.BinaryValue == nil:
		return a, invalidValue("The message (user) " + quoted + " must contain a non-empty message attribute value.")
	case in.StringValue != nil && in.BinaryValue != nil:
		return a, invalidValue("Message (user) " + quoted + " must have a single value.")
	case a.IsBinary() && in.StringValue != nil:
		return a, invalidValue("Message (user) " + quoted + " with type 'Binary' must use field 'Binary'.")
	case !a.IsBinary() && in.BinaryValue != nil:
		return a, invalidValue("Message (user) " + quoted + " with type '" + a.Type + "' must use field 'String'.")
	}
	return a, nil
}

// attributeOf is the same in AWS's words.
func attributeOf(a queue.Attribute) MessageAttributeValue {
	if a.IsBinary() {
		return MessageAttributeValue{DataType: new(a.Type), BinaryValue: a.Binary}
	}
	return MessageAttributeValue{DataType: new(a.Type), StringValue: new(a.Text)}
}
