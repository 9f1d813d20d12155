package sns

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/topic"
)

// protocols are those that are carried out, otherProtocols those that AWS knows beside them.
var (
	protocols      = []string{topic.ProtocolQueue, topic.ProtocolFunction, topic.ProtocolHTTP, topic.ProtocolHTTPS}
	otherProtocols = []string{"email", "email-json", "sms", "application", "firehose"}
)

// Subscribe lets a queue, a function or a web server receive what is published to a topic. A web server must confirm it
// first.
func (d *Door) Subscribe(ctx context.Context, in *SubscribeInput) (*SubscribeResponse, error) {
	call, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	if _, err := d.Topics.Describe(name); err != nil {
		return nil, translate(err)
	}
	switch {
	case slices.Contains(otherProtocols, in.Protocol):
		return nil, invalid("Protocol Reason: This server does not deliver to " + in.Protocol + ", only to sqs, lambda, http and https.")
	case !slices.Contains(protocols, in.Protocol):
		return nil, invalid("Amazon SNS does not support this protocol string: " + in.Protocol)
	case name.FIFO() && in.Protocol != topic.ProtocolQueue:
		return nil, invalid("Invalid protocol type: " + in.Protocol)
	}
	endpoint := protocol.Value(in.Endpoint)
	if err := checkEndpoint(call, name, in.Protocol, endpoint); err != nil {
		return nil, err
	}
	sub, err := d.Topics.Subscribe(ctx, name, call.Account, in.Protocol, endpoint, in.Attributes)
	if err != nil {
		return nil, translate(err)
	}
	if sub.Pending && !protocol.Value(in.ReturnSubscriptionArn) {
		return &SubscribeResponse{SubscriptionArn: new("pending confirmation")}, nil
	}
	return &SubscribeResponse{SubscriptionArn: new(sub.ARN())}, nil
}

// checkEndpoint judges where messages are to go.
func checkEndpoint(call protocol.Call, name topic.Name, protocol, endpoint string) error {
	switch protocol {
	case topic.ProtocolQueue:
		return checkQueue(call, name, endpoint)
	case topic.ProtocolFunction:
		a, err := arn.Parse(endpoint)
		switch {
		case err != nil || a.Service != "lambda" || a.Region == "" || !strings.HasPrefix(a.Resource, "function:"):
			return invalid("Lambda endpoint ARN")
		case a.Account != call.Account:
			return invalid("Endpoint Reason: This server does not deliver to functions of other accounts.")
		}
		return nil
	}
	if !strings.HasPrefix(endpoint, protocol+"://") {
		return invalid("Endpoint must match the specified protocol")
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || len(endpoint) > maxURL {
		return invalid("Endpoint")
	}
	return nil
}

// maxURL is the length of the longest address of a web server.
const maxURL = 2048

func checkQueue(call protocol.Call, name topic.Name, endpoint string) error {
	a, err := arn.Parse(endpoint)
	switch {
	case err != nil || a.Service != "sqs" || a.Account == "" || a.Region == "":
		return invalid("SQS endpoint ARN")
	case strings.HasSuffix(a.Resource, ".fifo") && !name.FIFO():
		return invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	case a.Account != call.Account:
		return invalid("Endpoint Reason: This server does not deliver to queues of other accounts.")
	}
	return nil
}
