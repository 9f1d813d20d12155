package kinesis

import (
	"context"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// DescribeAccountSettings tells whether the account has a throughput commitment in the region.
func (d *Door) DescribeAccountSettings(ctx context.Context, _ *DescribeAccountSettingsInput) (*DescribeAccountSettingsOutput, error) {
	call := protocol.CallFrom(ctx)
	c, err := d.Streams.Commitment(ctx, call.Account, call.Region)
	if err != nil {
		return nil, err
	}
	return &DescribeAccountSettingsOutput{MinimumThroughputBillingCommitment: commitmentShape(c)}, nil
}

func commitmentShape(c stream.Commitment) *MinimumThroughputBillingCommitmentOutput {
	given := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return &MinimumThroughputBillingCommitmentOutput{
		Status: string(c.Status), StartedAt: given(c.Started), EndedAt: given(c.Ended), EarliestAllowedEndAt: given(c.EarliestEnd),
	}
}
