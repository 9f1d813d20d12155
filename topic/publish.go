package topic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxMessageBytes is the length of the longest message, its attributes counted, and of all of a batch together.
const MaxMessageBytes = 262_144

// maxSubject is the length of the longest subject, in characters.
const maxSubject = 100

// atOnce is to how many endpoints one publish is handed at the same time.
const atOnce = 16

// Message is what a publisher hands in. A text alone is enough.
type Message struct {
	Text    string
	Subject string
	// ByProtocol holds other texts than Text for endpoints of single protocols.
	ByProtocol map[string]string
	Attributes map[string]Attribute
}

// Attribute is a typed value beside a message's text.
type Attribute struct {
	Type   string // String, Number, Binary or String.Array, possibly with a label behind
	Text   string
	Binary []byte // when the type is Binary
}

// Size is what the message counts against MaxMessageBytes, in bytes.
func (m *Message) Size() int {
	n := len(m.Text)
	for _, text := range m.ByProtocol {
		n += len(text)
	}
	for name, a := range m.Attributes {
		n += len(name) + len(a.Type) + len(a.Text) + len(a.Binary)
	}
	return n
}

// Check judges a message. Errors: ErrEmptyMessage, ErrTooLong, ErrSubject.
func (m *Message) Check() error {
	if m.Text == "" {
		return ErrEmptyMessage
	}
	if m.Size() > MaxMessageBytes {
		return ErrTooLong
	}
	if !validSubject(m.Subject) {
		return ErrSubject
	}
	return nil
}

func validSubject(s string) bool {
	if utf8.RuneCountInString(s) > maxSubject || strings.HasPrefix(s, " ") {
		return false
	}
	for _, c := range s {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return true
}

// Publish hands messages to every subscription of the topic and returns their ids in the order given. When it returns without
// an error they are durable at every endpoint that can take them. Errors: ErrNotFound, those of Check, and of the
// Deliverer, after which some endpoints may have them and others not.
func (s *Service) Publish(ctx context.Context, topic Name, messages ...Message) ([]string, error) {
	e, err := s.find(topic)
	if err != nil {
		return nil, err
	}
	total := 0
	for i := range messages {
		if err := messages[i].Check(); err != nil {
			return nil, err
		}
		total += messages[i].Size()
	}
	if total > MaxMessageBytes {
		return nil, ErrTooLong
	}
	ids := make([]string, len(messages))
	for i := range ids {
		ids[i] = uuid.NewString()
	}
	return ids, s.fanOut(ctx, e, topic, ids, messages)
}

// fanOut delivers to all subscriptions and returns the first failure when all have answered.
func (s *Service) fanOut(ctx context.Context, e *entry, topic Name, ids []string, messages []Message) error {
	var (
		running sync.WaitGroup
		free    = make(chan struct{}, atOnce)
		errs    = make([]error, len(e.subscriptions))
		now     = s.now()
	)
	// A client that goes away must not leave a message at some endpoints only.
	ctx = context.WithoutCancel(ctx)
	for i, sub := range e.subscriptions {
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			deliveries := make([]Delivery, len(messages))
			for j := range messages {
				n := notification{topic: topic, id: ids[j], subscription: sub, time: now, version: e.Attributes["SignatureVersion"]}
				var err error
				if deliveries[j], err = s.delivery(ctx, &n, &messages[j]); err != nil {
					errs[i] = err
					return
				}
			}
			errs[i] = s.deliver(ctx, sub, deliveries)
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func (s *Service) deliver(ctx context.Context, sub Subscription, deliveries []Delivery) error {
	err := s.deliverer.Deliver(ctx, sub.Endpoint, deliveries)
	if errors.Is(err, ErrUndeliverable) {
		s.log.Warn("notification dropped", "subscription", sub.ARN(), "endpoint", sub.Endpoint, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("deliver to %s: %w", sub.Endpoint, err)
	}
	return nil
}

// delivery is a message as a subscription wants it.
func (s *Service) delivery(ctx context.Context, n *notification, m *Message) (Delivery, error) {
	text := m.Text
	if own, ok := m.ByProtocol[n.subscription.Protocol]; ok {
		text = own
	}
	if n.subscription.Raw() {
		return Delivery{Body: text, Attributes: m.Attributes}, nil
	}
	n.text, n.subject, n.attributes = text, m.Subject, m.Attributes
	body, err := s.envelope(ctx, n)
	return Delivery{Body: body}, err
}
