package sns

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// Unsubscribe removes a subscription. Who follows the link in a message does not sign; such requests are refused when the
// confirmation asked for that.
func (d *Door) Unsubscribe(ctx context.Context, in *UnsubscribeInput) error {
	name, id, err := askSubscription(ctx, in.SubscriptionArn)
	if err != nil {
		return err
	}
	if sub, err := d.Topics.Subscription(name, id); err == nil && sub.Authenticated && anonymous(protocol.CallFrom(ctx)) {
		return fault(AuthorizationErrorException, "User: anonymous is not authorized to perform: SNS:Unsubscribe on resource: "+name.ARN())
	}
	return translate(d.Topics.Unsubscribe(ctx, name, id))
}
