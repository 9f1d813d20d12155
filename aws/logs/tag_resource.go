package logs

import (
	"context"
)

// TagResource adds tags to a group, or gives those that it has other values.
func (d *Door) TagResource(ctx context.Context, in *TagResourceRequest) error {
	n, err := byARN(ctx, in.ResourceArn)
	if err != nil {
		return err
	}
	return translate(d.Logs.Tag(ctx, n, in.Tags))
}
