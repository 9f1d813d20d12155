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
	return &GetSubscriptionAttributesResponse{Attributes: subscriptionAttributes(sub)}, nil
}

func subscriptionAttributes(sub topic.Subscription) map[string]string {
	all := map[string]string{
		"SubscriptionArn": sub.ARN(), "TopicArn": sub.Topic.ARN(), "Owner": sub.Owner, "Protocol": sub.Protocol,
		"Endpoint": sub.Endpoint, "ConfirmationWasAuthenticated": strconv.FormatBool(!sub.Web() || sub.Authenticated),
		"PendingConfirmation":    strconv.FormatBool(sub.Pending),
		topic.RawMessageDelivery: strconv.FormatBool(sub.Raw()),
		"SubscriptionPrincipal":  arn.ARN{Partition: arn.Partition(sub.Topic.Region), Service: "iam", Account: sub.Owner, Resource: "root"}.String(),
	}
	for _, name := range []string{topic.FilterPolicy, topic.FilterPolicyScope, topic.RedrivePolicy, topic.DeliveryPolicy} {
		if v := sub.Attributes[name]; v != "" {
			all[name] = v
		}
	}
	switch { // the scope is shown with a policy and never without
	case all[topic.FilterPolicy] == "":
		delete(all, topic.FilterPolicyScope)
	case all[topic.FilterPolicyScope] == "":
		all[topic.FilterPolicyScope] = "MessageAttributes"
	}
	return all
}
