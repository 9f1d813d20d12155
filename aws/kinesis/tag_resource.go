package kinesis

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// TagResource adds tags to a stream or a consumer, or gives those that it has other values.
func (d *Door) TagResource(ctx context.Context, in *TagResourceInput) error {
	r, err := addressedResource(ctx, in.ResourceARN)
	if err != nil {
		return err
	}
	err = d.Streams.AddTags(ctx, r, in.Tags, stream.ResourceTags)
	return translate(tagError(err, r.Stream, "add tags to"), r.Stream)
}
