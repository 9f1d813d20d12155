package kinesis

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// AddTagsToStream adds tags to a stream, or gives those that it has other values.
func (d *Door) AddTagsToStream(ctx context.Context, in *AddTagsToStreamInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	err = d.Streams.AddTags(ctx, stream.Resource{Stream: name}, in.Tags, stream.StreamTags)
	return translate(tagError(err, name, "add tags to"), name)
}
