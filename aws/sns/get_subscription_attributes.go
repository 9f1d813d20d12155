package sns

import (
	"context"
	"strconv"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/topic"
)

// GetSubscriptionAttributes tells of a subscription.
func (d *Door) GetSubscriptionAttributes(
	ctx context.Context, in *GetSubscriptionAttributesInput,
) (*GetSubscriptionAttributesResponse, error) {
	name, id, err := askSubscription(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	sub, err := d.Topics.Subscription(name, id)
	if err != nil {
		return nil, translate(err)
	}
	return &GetSubscriptionAttributesResponse{Attributes: map[string]string{
		"SubscriptionArn": sub.ARN(), "TopicArn": name.ARN(), "Owner": sub.Owner, "Protocol": sub.Protocol,
		"Endpoint": sub.Endpoint, "ConfirmationWasAuthenticated": "true", "PendingConfirmation": "false",
		topic.RawMessageDelivery: strconv.FormatBool(sub.Raw()),
		"SubscriptionPrincipal":  arn.ARN{Partition: arn.Partition(name.Region), Service: "iam", Account: sub.Owner, Resource: "root"}.String(),
	}}, nil
}
