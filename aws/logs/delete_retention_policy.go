package logs

import "context"

// DeleteRetentionPolicy lets a group keep its events whatever their age.
func (d *Door) DeleteRetentionPolicy(ctx context.Context, in *DeleteRetentionPolicyRequest) error {
	return translate(d.Logs.SetRetention(ctx, named(ctx, in.LogGroupName), 0))
}
