package kinesis

import "context"

// IncreaseStreamRetentionPeriod keeps a stream's records for longer.
func (d *Door) IncreaseStreamRetentionPeriod(ctx context.Context, in *IncreaseStreamRetentionPeriodInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return translate(d.Streams.IncreaseRetention(ctx, name, in.RetentionPeriodHours), name)
}
