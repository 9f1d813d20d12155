package kinesis

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// RemoveTagsFromStream removes tags from a stream. Keys that it does not have are passed over.
func (d *Door) RemoveTagsFromStream(ctx context.Context, in *RemoveTagsFromStreamInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	err = d.Streams.RemoveTags(ctx, stream.Resource{Stream: name}, in.TagKeys, stream.StreamTags)
	return translate(tagError(err, name, "remove tags from"), name)
}
