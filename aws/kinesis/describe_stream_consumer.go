package kinesis

import "context"

// DescribeStreamConsumer tells of a consumer.
func (d *Door) DescribeStreamConsumer(ctx context.Context, in *DescribeStreamConsumerInput) (*DescribeStreamConsumerOutput, error) {
	id, err := addressedConsumer(ctx, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return nil, err
	}
	c, err := d.Streams.DescribeConsumer(ctx, id)
	if err != nil {
		return nil, translate(err, id.Stream)
	}
	return &DescribeStreamConsumerOutput{ConsumerDescription: &ConsumerDescription{
		ConsumerName:              c.Name,
		ConsumerARN:               c.ARN(),
		ConsumerStatus:            string(c.Status),
		ConsumerCreationTimestamp: c.Created,
		StreamARN:                 c.Stream.ARN(),
	}}, nil
}
