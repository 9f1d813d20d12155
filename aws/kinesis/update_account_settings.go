package kinesis

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// UpdateAccountSettings begins or ends the account's throughput commitment in the region.
func (d *Door) UpdateAccountSettings(ctx context.Context, in *UpdateAccountSettingsInput) (*UpdateAccountSettingsOutput, error) {
	call := protocol.CallFrom(ctx)
	on := in.MinimumThroughputBillingCommitment.Status == MinimumThroughputBillingCommitmentInputStatusEnabled
	c, err := d.Streams.Commit(ctx, call.Account, call.Region, on)
	if err != nil {
		return nil, err
	}
	return &UpdateAccountSettingsOutput{MinimumThroughputBillingCommitment: commitmentShape(c)}, nil
}
