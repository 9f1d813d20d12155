package topic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/store"
)

// atOnce is to how many queues one publish is handed at the same time.
const atOnce = 16

// maxCommit is about how much of a publish is written to backlogs by one commit, in bytes.
const maxCommit = 1 << 20

// Published is what became of a message.
type Published struct {
	ID             string // a UUID
	SequenceNumber string // of FIFO topics
}

// item is a message on its way, in a form that all subscriptions share.
type item struct {
	*Message
	Published
	time       time.Time
	dedup      string // of FIFO topics
	properties []byte // its attributes as an object, for filters
}

// Publish hands messages to every subscription of the topic that wants them, and answers in the order given. When it returns
// without an error they are durable: in every queue that can take them, and in the backlog of every other endpoint.
// Errors: ErrNotFound, ErrBacklogFull, those of Message.Check, and of the Deliverer and the store, after which some
// endpoints may receive them and others not.
func (s *Service) Publish(ctx context.Context, topic Name, messages ...Message) ([]Published, error) {
	e, err := s.find(topic)
	if err != nil {
		return nil, err
	}
	total := 0
	for i := range messages {
		if err := messages[i].Check(); err != nil {
			return nil, err
		}
		if err := messages[i].CheckOrder(Topic{Name: topic, Attributes: e.Attributes}); err != nil {
			return nil, err
		}
		total += messages[i].Size()
	}
	if total > MaxMessageBytes {
		return nil, ErrTooLong
	}
	// A client that goes away must not leave a message at some endpoints only.
	ctx = context.WithoutCancel(ctx)
	if err := s.certain(ctx, topic); err != nil {
		return nil, err
	}
	if e, err = s.find(topic); err != nil { // it may have changed meanwhile
		return nil, err
	}
	if topic.FIFO() {
		return s.publishInOrder(ctx, topic, messages)
	}
	items, out := make([]item, len(messages)), make([]Published, len(messages))
	for i := range messages {
		out[i].ID = uuid.NewString()
		items[i] = item{Message: &messages[i], Published: out[i], time: s.now()}
	}
	if err := s.fanOut(ctx, e, items); err != nil {
		return nil, err
	}
	return out, nil
}

// fanOut hands items to all subscriptions, and returns when all have them.
func (s *Service) fanOut(ctx context.Context, e *entry, items []item) error {
	for i := range items {
		items[i].properties = properties(items[i].Attributes)
	}
	for i := range e.subscriptions {
		if sub := &e.subscriptions[i]; sub.Protocol == ProtocolFunction && s.backlog.full(sub.key()) {
			return ErrBacklogFull
		}
	}
	return errors.Join(s.fillQueues(ctx, e, items), s.fillBacklogs(ctx, e, items))
}

// fillQueues hands items to the queues among the subscriptions.
func (s *Service) fillQueues(ctx context.Context, e *entry, items []item) error {
	var (
		running sync.WaitGroup
		free    = make(chan struct{}, atOnce)
		errs    = make([]error, len(e.subscriptions))
	)
	for i := range e.subscriptions {
		sub := &e.subscriptions[i]
		if sub.Protocol != ProtocolQueue || sub.Pending {
			continue
		}
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			errs[i] = s.fillQueue(ctx, e, sub, items)
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func (s *Service) fillQueue(ctx context.Context, e *entry, sub *Subscription, items []item) error {
	var deliveries []Delivery
	for i := range items {
		if !sub.wants(&items[i]) {
			continue
		}
		n := items[i].notification(e, sub)
		d, err := s.delivery(ctx, &n)
		if err != nil {
			return err
		}
		d.Group, d.DeduplicationID = items[i].Group, items[i].DeduplicationID
		if sub.Topic.FIFO() {
			d.DeduplicationID = &items[i].dedup
		}
		deliveries = append(deliveries, d)
	}
	if len(deliveries) == 0 {
		return nil
	}
	refused, err := s.deliver(ctx, sub.Topic, sub.Endpoint, deliveries)
	if err != nil {
		return err
	}
	for i, reason := range refused {
		if reason == nil {
			continue
		}
		if err := s.bury(ctx, sub, deliveries[i], reason); err != nil {
			return err
		}
	}
	return nil
}

// deliver hands messages over to a queue, if the topic may.
func (s *Service) deliver(ctx context.Context, from Name, endpoint string, deliveries []Delivery) ([]error, error) {
	if reason := s.permitted(ctx, from, endpoint); reason != nil {
		return slices.Repeat([]error{reason}, len(deliveries)), nil
	}
	refused, err := s.deliverer.Deliver(ctx, endpoint, deliveries)
	if err != nil {
		return nil, fmt.Errorf("deliver to %s: %w", endpoint, err)
	}
	return refused, nil
}

func (s *Service) permitted(ctx context.Context, from Name, endpoint string) error {
	if s.permission == nil {
		return nil
	}
	return s.permission.MayDeliver(ctx, from, endpoint)
}

// bury sends what cannot be delivered to the subscription's dead-letter queue. Without one it is logged and dropped.
func (s *Service) bury(ctx context.Context, sub *Subscription, d Delivery, reason error) error {
	if sub.deadLetter != "" {
		refused, err := s.deliver(ctx, sub.Topic, sub.deadLetter, []Delivery{d})
		if err != nil {
			return err
		}
		if len(refused) == 0 || refused[0] == nil {
			return nil
		}
		reason = errors.Join(reason, refused[0])
	}
	s.log.Warn("notification dropped", "subscription", sub.ARN(), "endpoint", sub.Endpoint, "error", reason)
	return nil
}

// fillBacklogs writes items down for the endpoints that may be slow, and has them sent.
func (s *Service) fillBacklogs(ctx context.Context, e *entry, items []item) error {
	var (
		writes  []store.Write
		bytes   int
		name    Name
		touched = map[string][]string{} // keys of messages, by that of their subscription
	)
	commit := func() error {
		if len(writes) == 0 {
			return nil
		}
		for sub, keys := range touched { // before the commit: a courier may be done with it at once
			s.backlog.added(sub, len(keys))
		}
		err := s.tables.Commit(ctx, writes...)
		for sub, keys := range touched {
			if err != nil {
				s.doubtBacklog(name, sub, keys, err)
			} else {
				s.wakes.add(sub)
			}
		}
		if err != nil {
			return fmt.Errorf("write backlogs: %w", err)
		}
		clear(touched)
		writes, bytes = nil, 0
		return nil
	}
	for i := range e.subscriptions {
		sub := &e.subscriptions[i]
		if sub.Protocol == ProtocolQueue || sub.Pending {
			continue
		}
		for j := range items {
			if !sub.wants(&items[j]) {
				continue
			}
			n := items[j].notification(e, sub)
			if s.backlog.full(sub.key()) {
				d, err := s.delivery(ctx, &n)
				if err != nil {
					return err
				}
				if err := s.bury(ctx, sub, d, errTooMany); err != nil {
					return err
				}
				continue
			}
			name = sub.Topic
			key := s.backlog.next(sub)
			more, err := s.backlog.writes(key, n.content())
			if err != nil {
				return err
			}
			touched[sub.key()] = append(touched[sub.key()], key)
			writes = append(writes, more...)
			if bytes += len(n.text); bytes >= maxCommit {
				if err := commit(); err != nil {
					return err
				}
			}
		}
	}
	return commit()
}

// errTooMany is why a web server that does not keep up misses a message.
var errTooMany = fmt.Errorf("%w: %d messages wait for the endpoint", ErrUndeliverable, maxBacklog)

// wants reports whether a subscription's filter lets an item pass.
func (s *Subscription) wants(it *item) bool {
	if s.filter == nil {
		return true
	}
	if s.filter.Scope() == filterBody {
		return s.filter.Match([]byte(it.textFor(s.Protocol)))
	}
	return s.filter.Match(it.properties)
}

func (it *item) notification(e *entry, sub *Subscription) notification {
	return notification{
		kind: typeNotification, topic: sub.Topic, subscription: sub, id: it.ID, sequence: it.SequenceNumber, time: it.time,
		text: it.textFor(sub.Protocol), subject: it.Subject, attributes: it.Attributes, trace: it.Trace, version: e.Attributes[SignatureVersion],
	}
}

// delivery is a notification as its subscription wants it.
func (s *Service) delivery(ctx context.Context, n *notification) (Delivery, error) {
	if n.subscription.Raw() {
		return Delivery{Body: n.text, Attributes: n.attributes}, nil
	}
	body, err := s.envelope(ctx, n)
	return Delivery{Body: body}, err
}
