package sqs

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/millrace/millrace/aws/protocol"
)

// Limits of a tag, in characters.
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// ListQueueTags returns a queue's tags; nothing when there are none.
func (d *Door) ListQueueTags(ctx context.Context, in *ListQueueTagsRequest) (*ListQueueTagsResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q, err := d.Queues.Describe(ctx, name)
	if err != nil {
		return nil, facts{call: call}.translate(err)
	}
	if len(q.Tags) == 0 {
		return new(ListQueueTagsResult), nil
	}
	return &ListQueueTagsResult{Tags: q.Tags}, nil
}

// checkTags judges the lengths of tags, and whose they are.
func checkTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if n := utf8.RuneCountInString(key); n < 1 || n > maxTagKey {
			return invalidValue("Tag keys must be between 1 and 128 characters in length.")
		}
		if utf8.RuneCountInString(tags[key]) > maxTagValue {
			return invalidValue("Tag values must be between 0 and 256 characters in length.")
		}
		if protocol.IsReservedTag(key) {
			return invalidValue(protocol.ReservedTag)
		}
	}
	return nil
}
