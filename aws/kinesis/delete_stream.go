package kinesis

import "context"

// DeleteStream lets a stream go. There are no consumers yet, so there is nothing that EnforceConsumerDeletion could say.
func (d *Door) DeleteStream(ctx context.Context, in *DeleteStreamInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return translate(d.Streams.Delete(ctx, name), name)
}
