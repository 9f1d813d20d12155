package kinesis

import "context"

// RegisterStreamConsumer makes a consumer of a stream.
func (d *Door) RegisterStreamConsumer(ctx context.Context, in *RegisterStreamConsumerInput) (*RegisterStreamConsumerOutput, error) {
	name, err := addressed(ctx, nil, &in.StreamARN)
	if err != nil {
		return nil, err
	}
	if err := refuse("Tags", len(in.Tags) > 0); err != nil {
		return nil, err
	}
	c, err := d.Streams.RegisterConsumer(ctx, name, in.ConsumerName)
	if err != nil {
		return nil, translate(err, name)
	}
	return &RegisterStreamConsumerOutput{Consumer: new(consumerShape(c))}, nil
}
