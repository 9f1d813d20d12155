package sns

import (
	"context"
	"maps"
	"slices"
)

// ListTagsForResource returns a topic's tags, in the order of their keys.
func (d *Door) ListTagsForResource(ctx context.Context, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	_, name, err := ask(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	t, err := d.Topics.Describe(name)
	if err != nil {
		return nil, translateResource(err)
	}
	out := &ListTagsForResourceResponse{Tags: []Tag{}}
	for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
		out.Tags = append(out.Tags, Tag{Key: key, Value: t.Tags[key]})
	}
	return out, nil
}
