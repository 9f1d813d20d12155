package logs

import "context"

// CreateLogStream makes a stream in a group.
func (d *Door) CreateLogStream(ctx context.Context, in *CreateLogStreamRequest) error {
	return translate(d.Logs.CreateStream(ctx, named(ctx, in.LogGroupName), in.LogStreamName))
}
