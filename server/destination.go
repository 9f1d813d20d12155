package server

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/queue"
)

// destination delivers the documents of mappings to queues of this server.
type destination struct {
	queues *queue.Service
}

// queueName returns the queue that an ARN names.
func queueName(name string) (queue.Name, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return queue.Name{}, err
	}
	if a.Service != "sqs" {
		return queue.Name{}, fmt.Errorf("%q is not the ARN of a queue", name)
	}
	return queue.Name{Account: a.Account, Region: a.Region, Name: a.Resource}, nil
}

// Check implements mapping.Destination. A queue that does not exist is none of its business: as on AWS, what counts is
// whether it is there when a document is sent.
func (d destination) Check(_ context.Context, name string) error {
	_, err := queueName(name)
	return err
}

// Send implements mapping.Destination.
func (d destination) Send(ctx context.Context, name string, document []byte) error {
	q, err := queueName(name)
	if err != nil {
		return err
	}
	sent, err := d.queues.Send(ctx, q, queue.Message{Body: string(document), Sender: "awslambda"})
	if err != nil {
		return err
	}
	return sent[0].Err
}
