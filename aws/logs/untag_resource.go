package logs

import "context"

// UntagResource removes tags from a group.
func (d *Door) UntagResource(ctx context.Context, in *UntagResourceRequest) error {
	n, err := byARN(ctx, in.ResourceArn)
	if err != nil {
		return err
	}
	return translate(d.Logs.Untag(ctx, n, in.TagKeys))
}
