package kinesis

import "context"

// DeregisterStreamConsumer lets a consumer go; its subscriptions end.
func (d *Door) DeregisterStreamConsumer(ctx context.Context, in *DeregisterStreamConsumerInput) error {
	id, err := addressedConsumer(ctx, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return err
	}
	return translate(d.Streams.DeregisterConsumer(ctx, id), id.Stream)
}
