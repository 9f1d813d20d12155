package topic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// Subscription is one endpoint of a topic.
type Subscription struct {
	Topic      Name
	ID         string // a UUID
	Owner      string // the account that subscribed
	Protocol   string // sqs
	Endpoint   string // the ARN of a queue
	Attributes map[string]string
}

// ARN returns the subscription's Amazon Resource Name.
func (s Subscription) ARN() string { return s.Topic.ARN() + ":" + s.ID }

// Raw reports whether the endpoint receives messages as they are, without an envelope.
func (s Subscription) Raw() bool { return strings.EqualFold(s.Attributes[RawMessageDelivery], "true") }

func (s Subscription) key() string { return store.Key(s.Topic.key(), s.ID) }

func (s Subscription) row() subscriptionRow {
	return subscriptionRow{Owner: s.Owner, Protocol: s.Protocol, Endpoint: s.Endpoint, Attributes: s.Attributes}
}

// subscriptionRow is a subscription as its row holds it.
type subscriptionRow struct {
	Owner, Protocol, Endpoint string
	Attributes                map[string]string
}

func (r subscriptionRow) subscription(topic Name, id string) Subscription {
	return Subscription{
		Topic: topic, ID: id, Owner: r.Owner, Protocol: r.Protocol, Endpoint: r.Endpoint, Attributes: r.Attributes,
	}
}

// RawMessageDelivery is the attribute that leaves the envelope out.
const RawMessageDelivery = "RawMessageDelivery"

var subscriptionAttributes = map[string]func(value string) (ok, supported bool){
	RawMessageDelivery: func(v string) (bool, bool) {
		return strings.EqualFold(v, "true") || strings.EqualFold(v, "false"), true
	},
	"FilterPolicy":        empty,
	"FilterPolicyScope":   func(v string) (bool, bool) { return true, v == "MessageAttributes" },
	"RedrivePolicy":       empty,
	"DeliveryPolicy":      empty,
	"SubscriptionRoleArn": empty,
	"ReplayPolicy":        empty,
}

// Subscribe adds an endpoint to a topic and returns the subscription. An endpoint that is subscribed with the same
// attributes stays as it is. Errors: ErrNotFound, *AttributeError, ErrSubscribed, ErrTooManySubscriptions.
func (s *Service) Subscribe(ctx context.Context, topic Name, owner, protocol, endpoint string, attributes map[string]string) (Subscription, error) {
	if err := checkAttributes(subscriptionAttributes, attributes); err != nil {
		return Subscription{}, err
	}
	done, err := s.administer(ctx)
	if err != nil {
		return Subscription{}, err
	}
	defer done()
	e, err := s.find(topic)
	if err != nil {
		return Subscription{}, err
	}
	for _, old := range e.subscriptions {
		if old.Protocol != protocol || old.Endpoint != endpoint {
			continue
		}
		for n, v := range attributes {
			if old.Attributes[n] != v {
				return Subscription{}, ErrSubscribed
			}
		}
		return old, nil
	}
	if len(e.subscriptions) >= maxSubscriptions {
		return Subscription{}, ErrTooManySubscriptions
	}
	sub := Subscription{
		Topic: topic, ID: uuid.NewString(), Owner: owner, Protocol: protocol, Endpoint: endpoint, Attributes: maps.Clone(attributes),
	}
	return sub, s.put(ctx, e, sub)
}

// put stores a subscription, new or in place of what it was.
func (s *Service) put(ctx context.Context, e *entry, sub Subscription) error {
	if err := s.subscriptions.Put(context.WithoutCancel(ctx), sub.key(), sub.row(), 0); err != nil {
		return fmt.Errorf("store subscription %s: %w", sub.ARN(), err)
	}
	list := slices.DeleteFunc(slices.Clone(e.subscriptions), func(old Subscription) bool { return old.ID == sub.ID })
	list = append(list, sub)
	slices.SortFunc(list, func(a, b Subscription) int { return strings.Compare(a.ID, b.ID) })
	s.install(sub.Topic, &entry{topicRow: e.topicRow, subscriptions: list})
	return nil
}

// Subscription returns a subscription. Error: ErrSubscriptionNotFound.
func (s *Service) Subscription(topic Name, id string) (Subscription, error) {
	_, sub, err := s.subscription(topic, id)
	sub.Attributes = maps.Clone(sub.Attributes)
	return sub, err
}

func (s *Service) subscription(topic Name, id string) (*entry, Subscription, error) {
	e, err := s.find(topic)
	if err != nil {
		return nil, Subscription{}, ErrSubscriptionNotFound
	}
	for _, sub := range e.subscriptions {
		if sub.ID == id {
			return e, sub, nil
		}
	}
	return e, Subscription{}, ErrSubscriptionNotFound
}

// SetSubscriptionAttribute changes an attribute. Errors: ErrSubscriptionNotFound, *AttributeError.
func (s *Service) SetSubscriptionAttribute(ctx context.Context, topic Name, id, attribute, value string) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, sub, err := s.subscription(topic, id)
	if err != nil {
		return err
	}
	if err := checkAttributes(subscriptionAttributes, map[string]string{attribute: value}); err != nil {
		return err
	}
	sub.Attributes = maps.Clone(sub.Attributes)
	if sub.Attributes == nil {
		sub.Attributes = map[string]string{}
	}
	sub.Attributes[attribute] = value
	return s.put(ctx, e, sub)
}

// Unsubscribe removes a subscription; that there is none is no error.
func (s *Service) Unsubscribe(ctx context.Context, topic Name, id string) error {
	done, err := s.administer(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, sub, err := s.subscription(topic, id)
	if err != nil {
		return nil //nolint:nilerr // as on AWS, removing what is not there is no error
	}
	if err := s.subscriptions.Delete(context.WithoutCancel(ctx), sub.key()); err != nil {
		return fmt.Errorf("remove subscription %s: %w", sub.ARN(), err)
	}
	list := slices.DeleteFunc(slices.Clone(e.subscriptions), func(old Subscription) bool { return old.ID == id })
	s.install(topic, &entry{topicRow: e.topicRow, subscriptions: list})
	return nil
}

// Subscriptions returns a topic's subscriptions whose ARNs sort after the one given, in order and at most limit of them,
// and whether there are more. Error: ErrNotFound.
func (s *Service) Subscriptions(topic Name, after string, limit int) ([]Subscription, bool, error) {
	e, err := s.find(topic)
	if err != nil {
		return nil, false, err
	}
	list, more := cut(e.subscriptions, after, limit)
	return list, more, nil
}

// AllSubscriptions does the same over all topics of the account and region.
func (s *Service) AllSubscriptions(account, region, after string, limit int) ([]Subscription, bool) {
	s.mu.RLock()
	var all []Subscription
	for name, e := range s.known {
		if name.Account == account && name.Region == region {
			all = append(all, e.subscriptions...)
		}
	}
	s.mu.RUnlock()
	return cut(all, after, limit)
}

func cut(all []Subscription, after string, limit int) ([]Subscription, bool) {
	list := slices.DeleteFunc(slices.Clone(all), func(sub Subscription) bool { return sub.ARN() <= after })
	slices.SortFunc(list, func(a, b Subscription) int { return strings.Compare(a.ARN(), b.ARN()) })
	if len(list) > limit {
		return list[:limit], true
	}
	return list, false
}
