package kinesis

import (
	"context"
	"time"
)

// maxListedConsumers is how many consumers a page has at most.
const maxListedConsumers = 100

// ListStreamConsumers tells of a stream's consumers, page by page. A token does not stand in place of the stream here.
func (d *Door) ListStreamConsumers(ctx context.Context, in *ListStreamConsumersInput) (*ListStreamConsumersOutput, error) {
	name, err := addressed(ctx, nil, &in.StreamARN)
	if err != nil {
		return nil, err
	}
	var created time.Time
	if in.StreamCreationTimestamp != nil {
		created = *in.StreamCreationTimestamp
	}
	token, limit := "", maxListedConsumers
	if in.NextToken != nil {
		token = *in.NextToken
	}
	if in.MaxResults != nil {
		limit = min(limit, *in.MaxResults)
	}
	consumers, next, err := d.Streams.ListConsumers(ctx, name, created, token, limit)
	if err != nil {
		return nil, translate(err, name)
	}
	out := &ListStreamConsumersOutput{Consumers: make([]Consumer, len(consumers))}
	for i, c := range consumers {
		out.Consumers[i] = consumerShape(c)
	}
	if next != "" {
		out.NextToken = &next
	}
	return out, nil
}
