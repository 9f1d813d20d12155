package sns

import (
	"context"
	"errors"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

// maxEntries is how many messages a batch may have, maxEntryID how long their ids may be.
const (
	maxEntries = 10
	maxEntryID = 80
)

// PublishBatch hands up to ten messages to everything that is subscribed to a topic. Entries that are refused fail one by
// one.
func (d *Door) PublishBatch(ctx context.Context, in *PublishBatchInput) (*PublishBatchResponse, error) {
	_, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	t, err := d.Topics.Describe(name)
	if err != nil {
		return nil, translate(err)
	}
	if err := checkBatch(in.PublishBatchRequestEntries); err != nil {
		return nil, err
	}
	out := &PublishBatchResponse{Successful: []PublishBatchResultEntry{}, Failed: []BatchResultErrorEntry{}}
	var messages []topic.Message
	for i := range in.PublishBatchRequestEntries {
		entry := &in.PublishBatchRequestEntries[i]
		m, err := newMessage(ctx, t, entry)
		var refused *protocol.Error
		switch {
		case errors.As(err, &refused):
			out.Failed = append(out.Failed, BatchResultErrorEntry{
				Id: entry.Id, Code: shortCode(refused.Code), Message: new(refused.Message), SenderFault: true,
			})
		case err != nil:
			return nil, err
		default:
			messages = append(messages, m)
			out.Successful = append(out.Successful, PublishBatchResultEntry{Id: new(entry.Id)})
		}
	}
	if len(messages) == 0 {
		return out, nil
	}
	published, err := d.Topics.Publish(ctx, name, messages...)
	if err != nil {
		return nil, translate(err)
	}
	for i := range out.Successful {
		out.Successful[i].MessageId, out.Successful[i].SequenceNumber = new(published[i].ID), sequence(published[i])
	}
	return out, nil
}

// shortCode is the code as the query protocol has it.
func shortCode(code string) string {
	if code == InvalidParameterValueException {
		return "ParameterValueInvalid"
	}
	return "InvalidParameter"
}

// checkBatch judges a batch as a whole.
func checkBatch(entries []PublishBatchRequestEntry) error {
	switch {
	case len(entries) == 0:
		return fault(EmptyBatchRequestException, "The batch request doesn't contain any entries.")
	case len(entries) > maxEntries:
		return fault(TooManyEntriesInBatchRequestException, "The batch request contains more entries than permissible.")
	}
	seen, total := map[string]bool{}, 0
	for i := range entries {
		id := entries[i].Id
		if len(id) > maxEntryID || !topic.ValidName(id) {
			return fault(InvalidBatchEntryIdException, "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[id] {
			return fault(BatchEntryIdsNotDistinctException, "Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
		total += len(entries[i].Message)
		for name, a := range entries[i].MessageAttributes {
			total += len(name) + len(a.DataType) + len(protocol.Value(a.StringValue)) + len(a.BinaryValue)
		}
	}
	if total > topic.MaxMessageBytes {
		return fault(BatchRequestTooLongException, "The length of all the messages put together is more than the limit.")
	}
	return nil
}
