package sns

import "context"

// UntagResource removes tags of a topic.
func (d *Door) UntagResource(ctx context.Context, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	_, name, err := ask(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := d.Topics.Untag(ctx, name, in.TagKeys); err != nil {
		return nil, translateResource(err)
	}
	return new(UntagResourceResponse), nil
}
