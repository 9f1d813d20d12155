package sns

import "context"

// ListSubscriptionsByTopic lists the subscriptions to one topic, a page at a time.
func (d *Door) ListSubscriptionsByTopic(
	ctx context.Context, in *ListSubscriptionsByTopicInput,
) (*ListSubscriptionsByTopicResponse, error) {
	_, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	list, more, err := d.Topics.Subscriptions(name, after, pageSize)
	if err != nil {
		return nil, translate(err)
	}
	out := &ListSubscriptionsByTopicResponse{Subscriptions: subscriptionsOf(list)}
	if more {
		out.NextToken = makeToken(list[len(list)-1].ARN())
	}
	return out, nil
}
