package logs

import "context"

// ListTagsLogGroup does what ListTagsForResource does, by the group's name.
func (d *Door) ListTagsLogGroup(ctx context.Context, in *ListTagsLogGroupRequest) (*ListTagsLogGroupResponse, error) {
	tags, err := d.tags(ctx, named(ctx, in.LogGroupName))
	return &ListTagsLogGroupResponse{Tags: tags}, err
}
