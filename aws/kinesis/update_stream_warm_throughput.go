package kinesis

import "context"

// UpdateStreamWarmThroughput says for how much throughput an on-demand stream is to be kept warm. It goes through
// UPDATING.
func (d *Door) UpdateStreamWarmThroughput(ctx context.Context, in *UpdateStreamWarmThroughputInput) (*UpdateStreamWarmThroughputOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	before, err := d.Streams.SetWarmThroughput(ctx, name, in.WarmThroughputMiBps)
	if err != nil {
		return nil, translate(err, name)
	}
	return &UpdateStreamWarmThroughputOutput{
		StreamName:     &name.Name,
		StreamARN:      new(name.ARN()),
		WarmThroughput: &WarmThroughputObject{TargetMiBps: &in.WarmThroughputMiBps, CurrentMiBps: &before},
	}, nil
}
