package logs

import "context"

// DeleteLogGroup deletes a group with its streams and events.
func (d *Door) DeleteLogGroup(ctx context.Context, in *DeleteLogGroupRequest) error {
	return translate(d.Logs.DeleteGroup(ctx, named(ctx, in.LogGroupName)))
}
