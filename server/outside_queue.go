package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/topic"
)

// outsideQueue sends messages to queues that live elsewhere.
type outsideQueue struct {
	*outside
	endpoint string
}

// message is a message as SQS takes it.
type message struct {
	QueueURL   string                      `json:"QueueUrl"`
	Body       string                      `json:"MessageBody"`
	Attributes map[string]messageAttribute `json:"MessageAttributes,omitempty"`
	Group      *string                     `json:"MessageGroupId,omitempty"`
	Dedup      *string                     `json:"MessageDeduplicationId,omitempty"`
}

type messageAttribute struct {
	Type   string `json:"DataType"`
	Text   string `json:"StringValue,omitempty"`
	Binary []byte `json:"BinaryValue,omitempty"`
}

// put sends a message to the queue of an ARN.
func (o outsideQueue) put(ctx context.Context, to arn.ARN, m message) error {
	var found struct {
		URL string `json:"QueueUrl"`
	}
	ask := struct {
		Name  string `json:"QueueName"`
		Owner string `json:"QueueOwnerAWSAccountId"`
	}{to.Resource, to.Account}
	if err := o.call(ctx, o.endpoint, "sqs", to.Region, "1.0", "AmazonSQS.GetQueueUrl", ask, &found); err != nil {
		return err
	}
	m.QueueURL = found.URL
	return o.call(ctx, o.endpoint, "sqs", to.Region, "1.0", "AmazonSQS.SendMessage", m, nil)
}

func (o outsideQueue) send(ctx context.Context, to arn.ARN, n function.Notice) error {
	m := message{Body: string(n.Body)}
	for _, a := range n.Attributes {
		if m.Attributes == nil {
			m.Attributes = map[string]messageAttribute{}
		}
		m.Attributes[a.Name] = messageAttribute{Type: a.Type, Text: a.Text}
	}
	return o.put(ctx, to, m)
}

// Deliver implements topic.Deliverer: notifications of topics of this server, to queues elsewhere. What the queue refuses it can
// never take; one that does not answer makes the publish fail.
func (o outsideQueue) Deliver(ctx context.Context, endpoint string, deliveries []topic.Delivery) ([]error, error) {
	to, err := arn.Parse(endpoint)
	if err != nil {
		return refuse(deliveries, err), nil
	}
	refused := make([]error, len(deliveries))
	for i, d := range deliveries {
		m := message{Body: d.Body, Group: d.Group, Dedup: d.DeduplicationID}
		if !strings.HasSuffix(to.Resource, ".fifo") {
			m.Dedup = nil
		}
		for name, a := range d.Attributes {
			if m.Attributes == nil {
				m.Attributes = map[string]messageAttribute{}
			}
			m.Attributes[name] = messageAttribute{Type: a.Type, Text: a.Text, Binary: a.Binary}
		}
		err := o.put(ctx, to, m)
		var answer *outsideError
		switch {
		case err == nil:
		case errors.As(err, &answer) && answer.status/100 == 4 && answer.status != http.StatusTooManyRequests && !strings.Contains(answer.text, "Throttl"):
			refused[i] = err
		default:
			return nil, err
		}
	}
	return refused, nil
}

// noQueues is the Deliverer of a server without queues.
type noQueues struct{}

// Deliver implements topic.Deliverer.
func (noQueues) Deliver(_ context.Context, _ string, deliveries []topic.Delivery) ([]error, error) {
	return refuse(deliveries, nobody("sqs")), nil
}

// deliverer hands over the notifications of topics, to wherever the queues live.
func deliverer(c Config, there *outside, queues *queue.Service) topic.Deliverer {
	endpoint, away := c.away("sqs")
	switch {
	case away:
		return outsideQueue{there, endpoint}
	case endpoint == Off:
		return noQueues{}
	}
	return queueDeliverer{queues}
}
