package logs

import "context"

// PutLogGroupDeletionProtection sets whether a group can be deleted.
func (d *Door) PutLogGroupDeletionProtection(ctx context.Context, in *PutLogGroupDeletionProtectionRequest) error {
	n, err := identified(ctx, in.LogGroupIdentifier)
	if err != nil {
		return err
	}
	return translate(d.Logs.SetProtected(ctx, n, in.DeletionProtectionEnabled))
}
