package logs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// TagResource adds tags to a group, or gives those that it has other values.
func (d *Door) TagResource(ctx context.Context, in *TagResourceRequest) error {
	n, err := byARN(ctx, in.ResourceArn)
	if err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return translate(d.Logs.Tag(ctx, n, in.Tags))
}

// checkTags refuses tags that only AWS's own services set.
func checkTags(tags map[string]string) error {
	for key := range tags {
		if protocol.IsReservedTag(key) {
			return invalid(protocol.ReservedTag)
		}
	}
	return nil
}
