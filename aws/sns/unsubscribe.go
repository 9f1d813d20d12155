package sns

import "context"

// Unsubscribe removes a subscription.
func (d *Door) Unsubscribe(ctx context.Context, in *UnsubscribeInput) error {
	name, id, err := askSubscription(ctx, in.SubscriptionArn)
	if err != nil {
		return err
	}
	return translate(d.Topics.Unsubscribe(ctx, name, id))
}
