package kinesis

import "context"

// DeleteStream lets a stream go, with its consumers only if the request says so.
func (d *Door) DeleteStream(ctx context.Context, in *DeleteStreamInput) error {
	name, err := addressed(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	if isTrue(in.EnforceConsumerDeletion) {
		return translate(d.Streams.DeleteWithConsumers(ctx, name), name)
	}
	return translate(d.Streams.Delete(ctx, name), name)
}
