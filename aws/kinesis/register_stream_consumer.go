package kinesis

import "context"

// RegisterStreamConsumer makes a consumer of a stream.
func (d *Door) RegisterStreamConsumer(ctx context.Context, in *RegisterStreamConsumerInput) (*RegisterStreamConsumerOutput, error) {
	name, err := addressed(ctx, nil, &in.StreamARN)
	if err != nil {
		return nil, err
	}
	c, err := d.Streams.RegisterConsumer(ctx, name, in.ConsumerName, in.Tags)
	if err != nil {
		return nil, translate(tagError(err, name, "add tags to"), name)
	}
	return &RegisterStreamConsumerOutput{Consumer: new(consumerShape(c))}, nil
}
