package kinesis

import "context"

// DecreaseStreamRetentionPeriod keeps a stream's records for less long: older ones cannot be read any more.
func (d *Door) DecreaseStreamRetentionPeriod(ctx context.Context, in *DecreaseStreamRetentionPeriodInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return translate(d.Streams.DecreaseRetention(ctx, name, in.RetentionPeriodHours), name)
}
