package logs

import (
	"context"

	"github.com/millrace/millrace/logs"
)

// ListTagsForResource lists the tags of a group.
func (d *Door) ListTagsForResource(ctx context.Context, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	n, err := byARN(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := d.tags(ctx, n)
	return &ListTagsForResourceResponse{Tags: tags}, err
}

func (d *Door) tags(ctx context.Context, n logs.Name) (map[string]string, error) {
	g, err := d.Logs.Group(ctx, n)
	if err != nil {
		return nil, translate(err)
	}
	if g.Tags == nil {
		g.Tags = map[string]string{}
	}
	return g.Tags, nil
}
