package kinesis

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// DescribeLimits tells how much the account has in the region of what is limited.
func (d *Door) DescribeLimits(ctx context.Context, _ *DescribeLimitsInput) (*DescribeLimitsOutput, error) {
	call := protocol.CallFrom(ctx)
	u, err := d.Streams.Usage(ctx, call.Account, call.Region)
	if err != nil {
		return nil, err
	}
	return &DescribeLimitsOutput{
		ShardLimit: u.ShardLimit, OpenShardCount: u.OpenShards,
		OnDemandStreamCount: u.OnDemandStreams, OnDemandStreamCountLimit: u.OnDemandLimit,
	}, nil
}
