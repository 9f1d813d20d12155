package logs

import "context"

// UntagLogGroup does what UntagResource does, by the group's name.
func (d *Door) UntagLogGroup(ctx context.Context, in *UntagLogGroupRequest) error {
	return translate(d.Logs.Untag(ctx, named(ctx, in.LogGroupName), in.Tags))
}
