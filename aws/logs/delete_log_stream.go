package logs

import "context"

// DeleteLogStream deletes a stream with its events.
func (d *Door) DeleteLogStream(ctx context.Context, in *DeleteLogStreamRequest) error {
	return translate(d.Logs.DeleteStream(ctx, named(ctx, in.LogGroupName), in.LogStreamName))
}
