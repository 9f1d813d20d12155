package sns

import (
	"context"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/topic"
)

// ConfirmSubscription lets a web server receive messages. Whoever has the token may ask for it, signed or not.
func (d *Door) ConfirmSubscription(ctx context.Context, in *ConfirmSubscriptionInput) (*ConfirmSubscriptionResponse, error) {
	a, err := arn.Parse(in.TopicArn)
	if err != nil || a.Service != "sns" || strings.Contains(a.Resource, ":") {
		return nil, invalid("Topic")
	}
	name := topic.Name{Account: a.Account, Region: a.Region, Name: a.Resource}
	sub, err := d.Topics.Confirm(ctx, name, in.Token, strings.EqualFold(protocol.Value(in.AuthenticateOnUnsubscribe), "true"))
	if err != nil {
		return nil, translate(err)
	}
	return &ConfirmSubscriptionResponse{SubscriptionArn: new(sub.ARN())}, nil
}
