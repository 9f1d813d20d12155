package kinesis

import "context"

// UpdateShardCount splits and merges shards until as many are open as are asked for.
func (d *Door) UpdateShardCount(ctx context.Context, in *UpdateShardCountInput) (*UpdateShardCountOutput, error) {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	open, err := d.Streams.UpdateShardCount(ctx, name, in.TargetShardCount)
	if err != nil {
		return nil, translate(err, name)
	}
	return &UpdateShardCountOutput{
		StreamName: &name.Name, StreamARN: new(name.ARN()), CurrentShardCount: &open, TargetShardCount: &in.TargetShardCount,
	}, nil
}
