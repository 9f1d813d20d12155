package sns

import (
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/arn"
)

// queueProtocol is the one protocol that is carried out.
const queueProtocol = "sqs"

// otherProtocols are those that AWS knows beside it.
var otherProtocols = []string{"http", "https", "email", "email-json", "sms", "application", "lambda", "firehose"}

// Subscribe lets a queue receive what is published to a topic. Such a subscription needs no confirmation.
func (d *Door) Subscribe(ctx context.Context, in *SubscribeInput) (*SubscribeResponse, error) {
	call, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(otherProtocols, in.Protocol):
		return nil, invalid("Protocol Reason: This server does not deliver to " + in.Protocol + ", only to sqs.")
	case in.Protocol != queueProtocol:
		return nil, invalid("Amazon SNS does not support this protocol string: " + in.Protocol)
	}
	endpoint := value(in.Endpoint)
	a, err := arn.Parse(endpoint)
	if err != nil || a.Service != "sqs" || a.Account == "" || a.Region == "" {
		return nil, invalid("SQS endpoint ARN")
	}
	if strings.HasSuffix(a.Resource, ".fifo") {
		return nil, invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	if a.Account != call.Account {
		return nil, invalid("Endpoint Reason: This server does not deliver to queues of other accounts.")
	}
	sub, err := d.Topics.Subscribe(ctx, name, call.Account, in.Protocol, endpoint, in.Attributes)
	if err != nil {
		return nil, translate(err)
	}
	return &SubscribeResponse{SubscriptionArn: new(sub.ARN())}, nil
}
