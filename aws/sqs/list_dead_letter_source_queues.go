package sqs

import "context"

// ListDeadLetterSourceQueues returns the URLs of the queues whose redrive policy names this one, in pages as ListQueues
// makes them.
func (d *Door) ListDeadLetterSourceQueues(
	ctx context.Context, in *ListDeadLetterSourceQueuesRequest,
) (*ListDeadLetterSourceQueuesResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if _, err := d.Queues.Describe(ctx, name); err != nil {
		return nil, facts{call: call}.translate(err)
	}
	p, err := newPage(in.MaxResults, in.NextToken, name.Name)
	if err != nil {
		return nil, err
	}
	names, more := d.Queues.DeadLetterSources(name, p.after, p.limit)
	return &ListDeadLetterSourceQueuesResult{QueueUrls: urls(call, names), NextToken: p.next(names, more)}, nil
}
