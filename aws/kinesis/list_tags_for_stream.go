package kinesis

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// ListTagsForStream lists a stream's tags in the order of their keys, a page at a time.
func (d *Door) ListTagsForStream(ctx context.Context, in *ListTagsForStreamInput) (*ListTagsForStreamOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	tags, err := d.Streams.Tags(ctx, stream.Resource{Stream: name})
	if err != nil {
		return nil, translate(err, name)
	}
	if after := in.ExclusiveStartTagKey; after != nil {
		for len(tags) > 0 && tags[0].Key <= *after {
			tags = tags[1:]
		}
	}
	limit := stream.MaxTags
	if in.Limit != nil {
		limit = *in.Limit
	}
	more := len(tags) > limit
	return &ListTagsForStreamOutput{Tags: tagShapes(tags[:min(limit, len(tags))]), HasMoreTags: more}, nil
}
