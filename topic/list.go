package topic

import (
	"maps"
	"slices"
	"strings"
)

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
