package topic

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/filter"
	"github.com/millrace/millrace/store"
)

// The protocols of subscriptions.
const (
	ProtocolQueue    = "sqs"
	ProtocolFunction = "lambda"
	ProtocolHTTP     = "http"
	ProtocolHTTPS    = "https"
)

// Subscription is one endpoint of a topic.
type Subscription struct {
	Topic      Name
	ID         string // a UUID
	Owner      string // the account that subscribed
	Protocol   string // one of the protocols above
	Endpoint   string // an ARN, or the URL of a web server
	Attributes map[string]string
	// Pending says that the endpoint has not confirmed that it wants messages, and receives none.
	Pending bool
	// Authenticated says that only the owner may unsubscribe.
	Authenticated bool

	token string    // with which it is, or was, confirmed
	asked time.Time // when the confirmation was first asked for
	// Made of the attributes.
	filter     *filter.Policy // nil when everything passes
	deadLetter string         // the ARN of a queue, "" for none
}

// ARN returns the subscription's Amazon Resource Name.
func (s Subscription) ARN() string { return s.Topic.ARN() + ":" + s.ID }

// Raw reports whether the endpoint receives messages as they are, without an envelope.
func (s Subscription) Raw() bool { return strings.EqualFold(s.Attributes[RawMessageDelivery], "true") }

// Web reports whether the endpoint is a web server.
func (s *Subscription) Web() bool { return s.Protocol == ProtocolHTTP || s.Protocol == ProtocolHTTPS }

func (s *Subscription) key() string { return store.Key(s.Topic.key(), s.ID) }

// subscriptionRow is a subscription as its row holds it.
type subscriptionRow struct {
	Owner, Protocol, Endpoint string
	Attributes                map[string]string
	Pending, Authenticated    bool      `json:",omitempty"`
	Token                     string    `json:",omitempty"`
	Asked                     time.Time `json:",omitzero"`
}

func (s *Subscription) row() subscriptionRow {
	return subscriptionRow{
		Owner: s.Owner, Protocol: s.Protocol, Endpoint: s.Endpoint, Attributes: s.Attributes,
		Pending: s.Pending, Authenticated: s.Authenticated, Token: s.token, Asked: s.asked,
	}
}

func (r *subscriptionRow) subscription(topic Name, id string) (Subscription, error) {
	s := Subscription{
		Topic: topic, ID: id, Owner: r.Owner, Protocol: r.Protocol, Endpoint: r.Endpoint, Attributes: r.Attributes,
		Pending: r.Pending, Authenticated: r.Authenticated, token: r.Token, asked: r.Asked,
	}
	if err := s.compile(); err != nil {
		return s, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return s, nil
}

// compile judges the attributes that are documents, and makes of them what deliveries need.
func (s *Subscription) compile() error {
	s.filter = nil
	if s.Raw() && s.Protocol == ProtocolFunction {
		return &AttributeError{
			Name: RawMessageDelivery, Value: "true", Reason: "Delivery protocol [lambda] does not support raw message delivery.",
		}
	}
	if text := s.Attributes[FilterPolicy]; text != "" {
		scope := filter.Scope(s.Attributes[FilterPolicyScope])
		if scope == "" {
			scope = filter.ScopeAttributes
		}
		p, err := filter.CompilePolicy(text, scope)
		var wrong *filter.PolicyError
		if errors.As(err, &wrong) {
			return &AttributeError{Name: FilterPolicy, Value: text, Reason: wrong.Error()}
		}
		if err != nil {
			return err
		}
		s.filter = p
	}
	var err error
	s.deadLetter, err = readRedrivePolicy(s.Topic, s.Attributes[RedrivePolicy])
	return err
}
