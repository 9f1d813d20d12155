package sns

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

// Limits of a tag, in characters.
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// TagResource adds tags to a topic, or gives them other values.
func (d *Door) TagResource(ctx context.Context, in *TagResourceRequest) (*TagResourceResponse, error) {
	_, name, err := ask(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := d.Topics.Tag(ctx, name, tags); err != nil {
		return nil, translateResource(err)
	}
	return new(TagResourceResponse), nil
}

// readTags judges tags and returns them as the room wants them, nil when there are none.
func readTags(list []Tag) (map[string]string, error) {
	var tags map[string]string
	for _, tag := range list {
		if n := utf8.RuneCountInString(tag.Key); n < 1 || n > maxTagKey {
			return nil, invalid("Tags Reason: Tag keys must be between 1 and 128 characters in length.")
		}
		if utf8.RuneCountInString(tag.Value) > maxTagValue {
			return nil, invalid("Tags Reason: Tag values must be between 0 and 256 characters in length.")
		}
		if protocol.IsReservedTag(tag.Key) {
			return nil, invalid("Tags Reason: " + protocol.ReservedTag)
		}
		if _, twice := tags[tag.Key]; twice {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		if tags == nil {
			tags = map[string]string{}
		}
		tags[tag.Key] = tag.Value
	}
	return tags, nil
}

// translateResource words errors as the operations on tags do, which call a topic a resource.
func translateResource(err error) error {
	if errors.Is(err, topic.ErrNotFound) {
		return fault(ResourceNotFoundException, "Resource does not exist")
	}
	return translate(err)
}
