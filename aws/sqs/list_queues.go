package sqs

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// ListQueues returns the URLs of the caller's queues whose names begin with the prefix.
func (d *Door) ListQueues(ctx context.Context, in *ListQueuesRequest) (*ListQueuesResult, error) {
	call := protocol.CallFrom(ctx)
	prefix := protocol.Value(in.QueueNamePrefix)
	p, err := newPage(in.MaxResults, in.NextToken, prefix)
	if err != nil {
		return nil, err
	}
	names, more := d.Queues.List(ctx, call.Account, call.Region, prefix, p.after, p.limit)
	return &ListQueuesResult{QueueUrls: urls(call, names), NextToken: p.next(names, more)}, nil
}
