package kinesis

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// consumerByARN returns the consumer that an ARN names. One that cannot be read, or is another account's or region's, is
// not found.
func consumerByARN(ctx context.Context, arn string) (stream.ConsumerID, error) {
	call := protocol.CallFrom(ctx)
	id, err := stream.ParseConsumerARN(arn)
	if err != nil || id.Stream.Account != call.Account || id.Stream.Region != call.Region {
		return id, consumerNotFound(arn, call.Account)
	}
	return id, nil
}

// addressedConsumer returns the consumer that a request means: by its ARN, by its stream and name, or by all three where
// they agree.
func addressedConsumer(ctx context.Context, consumerARN, streamARN, name *string) (stream.ConsumerID, error) {
	byName := stream.ConsumerID{}
	switch {
	case streamARN != nil && name != nil:
		s, err := addressed(ctx, nil, streamARN)
		if err != nil {
			return byName, err
		}
		byName.Stream, byName.Name = s, *name
	case consumerARN == nil:
		return byName, invalidArgument("Either ConsumerARN or both StreamARN and ConsumerName should be provided.")
	}
	if consumerARN == nil {
		return byName, nil
	}
	id, err := consumerByARN(ctx, *consumerARN)
	if err != nil {
		return id, err
	}
	if streamARN != nil && *streamARN != id.Stream.ARN() || name != nil && *name != id.Name {
		return id, invalidArgument(fmt.Sprintf("ConsumerARN %s does not name the consumer that StreamARN and ConsumerName name.", *consumerARN))
	}
	return id, nil
}

func consumerShape(c stream.Consumer) Consumer {
	return Consumer{ConsumerName: c.Name, ConsumerARN: c.ARN(), ConsumerStatus: string(c.Status), ConsumerCreationTimestamp: c.Created}
}

func consumerNotFound(id, account string) error {
	return &protocol.Error{Code: ResourceNotFoundException, Message: fmt.Sprintf("Consumer %s, account %s not found.", id, account)}
}
