package mapping

import (
	"context"

	"github.com/millrace/millrace/stream"
)

// parseSource reads the ARN of an event source: of a stream, or of a consumer, which it returns with its stream.
func parseSource(arn string) (stream.Name, stream.ConsumerID, error) {
	if id, err := stream.ParseConsumerARN(arn); err == nil {
		return id.Stream, id, nil
	}
	name, err := stream.ParseARN(arn)
	return name, stream.ConsumerID{}, err
}

// sourceARN returns the ARN of a stream, or of the consumer that it is read through if there is one.
func sourceARN(name stream.Name, consumer stream.ConsumerID) string {
	if consumer.Created != 0 {
		return consumer.String()
	}
	return name.ARN()
}

// describe returns the stream of a mapping as long as it can be read: it is not going, and neither is the consumer if
// there is one.
//
// Errors: *stream.NotFoundError, *stream.ConsumerNotFoundError, *stream.ConsumerNotActiveError for a consumer that is
// still being registered.
func (s *Service) describe(ctx context.Context, r *row) (stream.Stream, error) {
	st, err := s.config.Source.Describe(ctx, r.source())
	if err != nil {
		return st, err
	}
	if st.Status == stream.StatusDeleting {
		return st, &stream.NotFoundError{Name: st.Name}
	}
	id, ok := r.consumer()
	if !ok {
		return st, nil
	}
	c, err := s.describeConsumer(ctx, id)
	if err == nil && c.Status != stream.StatusActive {
		err = &stream.ConsumerNotActiveError{Consumer: c}
	}
	return st, err
}

// describeConsumer returns a consumer that is not going.
func (s *Service) describeConsumer(ctx context.Context, id stream.ConsumerID) (stream.Consumer, error) {
	if s.config.Consumers == nil {
		return stream.Consumer{}, &stream.ConsumerNotFoundError{ID: id}
	}
	c, err := s.config.Consumers.DescribeConsumer(ctx, id)
	if err == nil && c.Status == stream.StatusDeleting {
		err = &stream.ConsumerNotFoundError{ID: id}
	}
	return c, err
}
