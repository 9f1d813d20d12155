package sns

import "context"

// SetSubscriptionAttributes changes one attribute of a subscription.
func (d *Door) SetSubscriptionAttributes(ctx context.Context, in *SetSubscriptionAttributesInput) error {
	name, id, err := askSubscription(ctx, in.SubscriptionArn)
	if err != nil {
		return err
	}
	return translateSet(d.Topics.SetSubscriptionAttribute(ctx, name, id, in.AttributeName, value(in.AttributeValue)))
}
