package kinesis

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// UntagResource removes tags from a stream or a consumer. Keys that it does not have are passed over.
func (d *Door) UntagResource(ctx context.Context, in *UntagResourceInput) error {
	r, err := addressedResource(ctx, in.ResourceARN)
	if err != nil {
		return err
	}
	err = d.Streams.RemoveTags(ctx, r, in.TagKeys, stream.ResourceTags)
	return translate(tagError(err, r.Stream, "remove tags from"), r.Stream)
}
