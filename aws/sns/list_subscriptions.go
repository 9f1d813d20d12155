package sns

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/topic"
)

// ListSubscriptions lists the subscriptions to all topics of the caller, a page at a time.
func (d *Door) ListSubscriptions(ctx context.Context, in *ListSubscriptionsInput) (*ListSubscriptionsResponse, error) {
	call := protocol.CallFrom(ctx)
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	list, more := d.Topics.AllSubscriptions(call.Account, call.Region, after, pageSize)
	out := &ListSubscriptionsResponse{Subscriptions: subscriptionsOf(list)}
	if more {
		out.NextToken = makeToken(list[len(list)-1].ARN())
	}
	return out, nil
}

func subscriptionsOf(list []topic.Subscription) []Subscription {
	out := make([]Subscription, len(list))
	for i, sub := range list {
		out[i] = Subscription{
			SubscriptionArn: new(shownARN(sub)), Owner: new(sub.Owner), Protocol: new(sub.Protocol), Endpoint: new(sub.Endpoint),
			TopicArn: new(sub.Topic.ARN()),
		}
	}
	return out
}

// shownARN is what a list shows of a subscription that may not be confirmed.
func shownARN(sub topic.Subscription) string {
	if sub.Pending {
		return "PendingConfirmation"
	}
	return sub.ARN()
}
