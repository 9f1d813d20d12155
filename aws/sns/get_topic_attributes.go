package sns

import (
	"context"
	"strconv"
	"strings"

	"github.com/millrace/millrace/topic"
)

// effectivePolicy is how AWS delivers to web servers unless told otherwise.
const effectivePolicy = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,` +
	`"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},` +
	`"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`

// defaultPolicy lets the owner's account do everything.
const defaultPolicy = `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",` +
	`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",` +
	`"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],` +
	`"Resource":"ARN","Condition":{"StringEquals":{"AWS:SourceOwner":"ACCOUNT"}}}]}`

// GetTopicAttributes tells of a topic.
func (d *Door) GetTopicAttributes(ctx context.Context, in *GetTopicAttributesInput) (*GetTopicAttributesResponse, error) {
	_, name, err := ask(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	t, err := d.Topics.Describe(name)
	if err != nil {
		return nil, translate(err)
	}
	return &GetTopicAttributesResponse{Attributes: attributesOf(t)}, nil
}

func attributesOf(t topic.Topic) map[string]string {
	arn := t.Name.ARN()
	all := map[string]string{
		"TopicArn": arn, "Owner": t.Name.Account, "DisplayName": "",
		topic.Policy:              ownPolicy(t.Name),
		"EffectiveDeliveryPolicy": effectivePolicy,
		"SubscriptionsConfirmed":  strconv.Itoa(t.Subscriptions), "SubscriptionsPending": strconv.Itoa(t.Pending), "SubscriptionsDeleted": "0",
	}
	if t.Name.FIFO() {
		all[topic.ContentBasedDeduplication], all[topic.FIFOThroughputScope] = "false", "Topic"
	}
	for name, v := range t.Attributes {
		if v != "" || name == "DisplayName" {
			all[name] = v
		}
	}
	if p := t.Attributes[topic.DeliveryPolicy]; p != "" {
		all["EffectiveDeliveryPolicy"] = p
	}
	return all
}

// ownPolicy is the policy that a topic has by itself.
func ownPolicy(name topic.Name) string {
	return strings.NewReplacer("ARN", name.ARN(), "ACCOUNT", name.Account).Replace(defaultPolicy)
}
