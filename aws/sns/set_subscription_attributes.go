package sns

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// SetSubscriptionAttributes changes one attribute of a subscription.
func (d *Door) SetSubscriptionAttributes(ctx context.Context, in *SetSubscriptionAttributesInput) error {
	name, id, err := askSubscription(ctx, in.SubscriptionArn)
	if err != nil {
		return err
	}
	return translateSet(d.Topics.SetSubscriptionAttribute(ctx, name, id, in.AttributeName, protocol.Value(in.AttributeValue)))
}
