package topic

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// tokenLifetime is how long a subscription waits for its confirmation.
const tokenLifetime = 3 * 24 * time.Hour

// tokenBytes is the length of a token before it is written in hexadecimal digits.
const tokenBytes = 144

// Subscribe adds an endpoint to a topic and returns the subscription. A web server is asked to confirm it. An endpoint that
// is subscribed with the same attributes stays as it is, and is asked again if it has not confirmed. Errors: ErrNotFound,
// *AttributeError, ErrSubscribed, ErrTooManySubscriptions.
func (s *Service) Subscribe(ctx context.Context, topic Name, owner, protocol, endpoint string, attributes map[string]string) (Subscription, error) {
	if err := checkAttributes(subscriptionAttributes, attributes); err != nil {
		return Subscription{}, err
	}
	sub := Subscription{Topic: topic, ID: uuid.NewString(), Owner: owner, Protocol: protocol, Endpoint: endpoint, Attributes: maps.Clone(attributes)}
	if err := sub.compile(); err != nil {
		return Subscription{}, err
	}
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return Subscription{}, err
	}
	defer done()
	e, err := s.find(topic)
	if err != nil {
		return Subscription{}, err
	}
	if i := slices.IndexFunc(e.subscriptions, sub.sameEndpoint); i >= 0 {
		return s.subscribeAgain(ctx, e, e.subscriptions[i], attributes)
	}
	if len(e.subscriptions) >= maxSubscriptions {
		return Subscription{}, ErrTooManySubscriptions
	}
	if !sub.Web() {
		return sub, s.put(ctx, e, sub)
	}
	token := make([]byte, tokenBytes)
	_, _ = rand.Read(token) // never fails
	sub.Pending, sub.token, sub.asked = true, hex.EncodeToString(token), s.now()
	return sub, s.ask(ctx, e, sub)
}

func (s *Subscription) sameEndpoint(other Subscription) bool {
	return s.Protocol == other.Protocol && s.Endpoint == other.Endpoint
}

// subscribeAgain answers for an endpoint that is there already.
func (s *Service) subscribeAgain(ctx context.Context, e *entry, old Subscription, attributes map[string]string) (Subscription, error) {
	for n, v := range attributes {
		if old.Attributes[n] != v {
			return Subscription{}, ErrSubscribed
		}
	}
	if !old.Pending {
		return old, nil
	}
	old.asked = s.now()
	return old, s.ask(ctx, e, old)
}

// ask stores a subscription together with the request that its endpoint confirm it.
func (s *Service) ask(ctx context.Context, e *entry, sub Subscription) error {
	request := contentRow{Type: typeConfirmation, ID: uuid.NewString(), Token: sub.token, Time: s.now(), Text: fmt.Sprintf(
		"You have chosen to subscribe to the topic %s.\nTo confirm the subscription, visit the SubscribeURL included in this message.", sub.Topic.ARN())}
	key := s.backlog.next(&sub)
	writes, err := s.backlog.writes(key, request)
	if err != nil {
		return err
	}
	s.backlog.added(sub.key(), 1)
	if err := s.put(ctx, e, sub, writes...); err != nil {
		s.doubtBacklog(sub.Topic, sub.key(), []string{key}, err)
		return err
	}
	s.wakes.add(sub.key())
	return nil
}

// put stores a subscription, new or in place of what it was, together with what else is to be written.
func (s *Service) put(ctx context.Context, e *entry, sub Subscription, more ...store.Write) error {
	w, err := s.subscriptions.Write(sub.key(), sub.row(), 0)
	if err != nil {
		return err
	}
	if err := s.tables.Commit(context.WithoutCancel(ctx), append(more, w)...); err != nil {
		s.doubtTopic(sub.Topic, err)
		return fmt.Errorf("store subscription %s: %w", sub.ARN(), err)
	}
	list := slices.DeleteFunc(slices.Clone(e.subscriptions), func(old Subscription) bool { return old.ID == sub.ID })
	list = append(list, sub)
	slices.SortFunc(list, func(a, b Subscription) int { return strings.Compare(a.ID, b.ID) })
	s.install(sub.Topic, &entry{topicRow: e.topicRow, subscriptions: list, order: e.order})
	return nil
}

// Confirm lets the subscription with the token receive messages, and returns it. Authenticated says that only the owner
// may end it. That it was confirmed already is no error. Error: ErrToken.
func (s *Service) Confirm(ctx context.Context, topic Name, token string, authenticated bool) (Subscription, error) {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return Subscription{}, err
	}
	defer done()
	e, err := s.find(topic)
	if err != nil {
		return Subscription{}, err
	}
	for _, sub := range e.subscriptions {
		switch {
		case sub.token == "" || sub.token != token:
			continue
		case !sub.Pending:
			return sub, nil
		case s.now().Sub(sub.asked) > tokenLifetime:
			return Subscription{}, ErrToken
		}
		sub.Pending, sub.Authenticated = false, authenticated
		return sub, s.put(ctx, e, sub)
	}
	return Subscription{}, ErrToken
}

// SetSubscriptionAttribute changes an attribute. Errors: ErrSubscriptionNotFound, *AttributeError.
func (s *Service) SetSubscriptionAttribute(ctx context.Context, topic Name, id, attribute, value string) error {
	done, err := s.doubts.Admit(ctx)
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
	if attribute == FilterPolicy && strings.Join(strings.Fields(value), "") == "{}" {
		delete(sub.Attributes, attribute) // which is how a filter is taken away
	}
	if err := sub.compile(); err != nil {
		return err
	}
	return s.put(ctx, e, sub)
}

// Unsubscribe removes a subscription; that there is none is no error.
func (s *Service) Unsubscribe(ctx context.Context, topic Name, id string) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, sub, err := s.subscription(topic, id)
	if err != nil {
		return nil //nolint:nilerr // as on AWS, removing what is not there is no error
	}
	if err := s.subscriptions.Delete(context.WithoutCancel(ctx), sub.key()); err != nil {
		s.doubtTopic(topic, err)
		return fmt.Errorf("remove subscription %s: %w", sub.ARN(), err)
	}
	list := slices.DeleteFunc(slices.Clone(e.subscriptions), func(old Subscription) bool { return old.ID == id })
	s.install(topic, &entry{topicRow: e.topicRow, subscriptions: list, order: e.order})
	s.wakes.add(sub.key()) // to clear what was on its way
	return nil
}
