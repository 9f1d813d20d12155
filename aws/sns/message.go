package sns

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

// newMessage is a message as the room wants it, from one of Publish or an entry of PublishBatch.
func newMessage(ctx context.Context, t topic.Topic, in *PublishBatchRequestEntry) (topic.Message, error) {
	m := topic.Message{
		Trace: protocol.CallFrom(ctx).Trace, Text: in.Message, Subject: protocol.Value(in.Subject), Group: in.MessageGroupId, DeduplicationID: in.MessageDeduplicationId,
	}
	if in.Subject != nil && *in.Subject == "" {
		return m, invalid("Subject")
	}
	if err := m.Check(); err != nil { // the length is that of the message as it was sent
		return m, translate(err)
	}
	if err := m.CheckOrder(t); err != nil {
		return m, translate(err)
	}
	if err := readStructure(&m, protocol.Value(in.MessageStructure)); err != nil {
		return m, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.MessageAttributes)) {
		a, err := newAttribute(name, in.MessageAttributes[name])
		if err != nil {
			return m, err
		}
		if m.Attributes == nil {
			m.Attributes = make(map[string]topic.Attribute, len(in.MessageAttributes))
		}
		m.Attributes[name] = a
	}
	return m, nil
}

// readStructure takes a message apart that has a text for each protocol.
func readStructure(m *topic.Message, structure string) error {
	switch structure {
	case "":
		return nil
	case "json":
	default:
		return invalid("MessageStructure")
	}
	var texts map[string]any
	if err := json.Unmarshal([]byte(m.Text), &texts); err != nil {
		return invalid("Message Structure - JSON message body failed to parse")
	}
	text, ok := texts["default"].(string)
	if !ok {
		return invalid("Message Structure - No default entry in JSON message body")
	}
	m.Text = text
	for _, protocol := range protocols {
		if own, ok := texts[protocol].(string); ok {
			if m.ByProtocol == nil {
				m.ByProtocol = map[string]string{}
			}
			m.ByProtocol[protocol] = own
		}
	}
	return nil
}

// newAttribute is a message's attribute as the room wants it.
func newAttribute(name string, in MessageAttributeValue) (topic.Attribute, error) {
	a := topic.Attribute{Type: in.DataType, Text: protocol.Value(in.StringValue), Binary: in.BinaryValue}
	kind, _, _ := strings.Cut(a.Type, ".")
	refuse := func(text string) (topic.Attribute, error) { return a, fault(InvalidParameterValueException, text) }
	switch {
	case name == "":
		return refuse("The request must contain non-empty message attribute names.")
	case a.Type == "":
		return refuse("The message attribute '" + name + "' must contain non-empty message attribute type.")
	case kind != "String" && kind != "Number" && kind != "Binary":
		return refuse("The message attribute '" + name + "' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.")
	case kind == "Binary" && len(a.Binary) == 0, kind != "Binary" && a.Text == "":
		return refuse("The message attribute '" + name + "' must contain non-empty message attribute value for message attribute type '" + a.Type + "'.")
	case a.Text != "" && len(a.Binary) > 0:
		return refuse("The message attribute '" + name + "' must have a single value.")
	}
	return a, nil
}
