package kinesis

import "context"

// ListTagsForResource lists all tags of a stream or a consumer in the order of their keys.
func (d *Door) ListTagsForResource(ctx context.Context, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	r, err := addressedResource(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags, err := d.Streams.Tags(ctx, r)
	if err != nil {
		return nil, translate(err, r.Stream)
	}
	return &ListTagsForResourceOutput{Tags: tagShapes(tags)}, nil
}
