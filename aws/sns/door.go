package sns

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/topic"
)

// Door carries the operations out on the room's topics.
type Door struct {
	Topics *topic.Service
}

// New returns the service to hand to the dispatcher.
func New(topics *topic.Service) protocol.Service {
	d := &Door{Topics: topics}
	s := NewService(d)
	s.Access, s.DeniedCode = d.access, "AuthorizationError"
	s.TagActions = map[string]string{"CreateTopic": "TagResource"}
	s.Anonymous = []string{"ConfirmSubscription", "Unsubscribe"} // the links in messages
	return s
}

// pageSize is how many topics or subscriptions a list shows at once.
const pageSize = 100

// ask is what every operation on a topic begins with: who calls, and which topic is meant. Topics of other accounts cannot
// be seen.
func ask(ctx context.Context, name string) (protocol.Call, topic.Name, error) {
	call := protocol.CallFrom(ctx)
	a, err := arn.Parse(name)
	switch {
	case err != nil || a.Service != "sns" || strings.Contains(a.Resource, ":") || a.Region != call.Region:
		return call, topic.Name{}, invalid("TopicArn")
	case a.Account != call.Account:
		return call, topic.Name{}, missingTopic()
	}
	return call, topic.Name{Account: a.Account, Region: a.Region, Name: a.Resource}, nil
}

// askSubscription does the same for a subscription. The links that SNS sends around are followed without a signature; then
// the ARN alone says where the subscription is.
func askSubscription(ctx context.Context, name string) (topic.Name, string, error) {
	call := protocol.CallFrom(ctx)
	a, err := arn.Parse(name)
	if err != nil || a.Service != "sns" || !anonymous(call) && a.Region != call.Region {
		return topic.Name{}, "", invalid("SubscriptionArn")
	}
	resource, id, found := strings.Cut(a.Resource, ":")
	if !found || uuid.Validate(id) != nil {
		return topic.Name{}, "", invalid("SubscriptionArn Reason: An ARN must have at least 7 elements")
	}
	if !anonymous(call) && a.Account != call.Account {
		return topic.Name{}, "", missingSubscription()
	}
	return topic.Name{Account: a.Account, Region: a.Region, Name: resource}, id, nil
}

// anonymous reports whether nobody signed the request.
func anonymous(call protocol.Call) bool { return call.AccessKeyID == "" }
