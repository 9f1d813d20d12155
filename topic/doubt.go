package topic

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// doubtTopic has it found out what became of a topic, or of its subscriptions, when a commit about them failed. Until then
// memory has what it had, and nothing is published.
func (s *Service) doubtTopic(name Name, err error) {
	s.doubt(name, err, func(ctx context.Context) error { return s.reread(ctx, name) })
}

func (s *Service) doubt(name Name, err error, settle func(context.Context) error) {
	if store.InDoubt(err) {
		s.doubts.Add(fmt.Sprintf("%s%d", subject(name), s.doubtNumber.Add(1)), settle)
	}
}

// subject is what the subjects of a topic's doubts begin with.
func subject(name Name) string { return "topic " + name.key() + " " }

// certain returns nil when nothing about the topic is in doubt any more.
func (s *Service) certain(ctx context.Context, name Name) error {
	return s.doubts.SettleAll(ctx, subject(name))
}

// reread brings memory in line with what the store has of a topic.
func (s *Service) reread(ctx context.Context, name Name) error {
	old, _ := s.find(name)
	row, _, err := s.topics.Get(ctx, name.key())
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.install(name, nil)
		s.wakeAll(old) // to clear what was on its way
		return nil
	case err != nil:
		return fmt.Errorf("read topic %s again: %w", name.Name, err)
	}
	e := &entry{topicRow: row, order: newOrder()}
	if old != nil {
		e.order = old.order
	}
	for item, err := range s.subscriptions.Scan(ctx, store.Key(name.key(), "")) {
		if err != nil {
			return fmt.Errorf("read subscriptions of %s again: %w", name.Name, err)
		}
		sub, err := item.Value.subscription(name, store.SplitKey(item.Key)[3])
		if err != nil {
			return fmt.Errorf("subscription %q: %w", item.Key, err)
		}
		e.subscriptions = append(e.subscriptions, sub)
	}
	s.install(name, e)
	s.wakeAll(old)
	s.wakeAll(e)
	return nil
}

// wakeAll has it looked what waits for a topic's subscriptions.
func (s *Service) wakeAll(e *entry) {
	if e == nil {
		return
	}
	for i := range e.subscriptions {
		s.wakes.add(e.subscriptions[i].key())
	}
}

// doubtBacklog has it found out which of the messages that were written to a backlog are there, when that failed. They are
// counted until then.
func (s *Service) doubtBacklog(topic Name, subscription string, keys []string, err error) {
	if !store.InDoubt(err) {
		s.backlog.added(subscription, -len(keys))
		return
	}
	s.doubt(topic, err, func(ctx context.Context) error {
		missing := 0
		for _, key := range keys {
			_, _, err := s.backlog.rows.Get(ctx, key)
			if errors.Is(err, store.ErrNotFound) {
				missing++
			} else if err != nil {
				return fmt.Errorf("look for what waits for %q: %w", subscription, err)
			}
		}
		s.backlog.added(subscription, -missing)
		s.wakes.add(subscription)
		return nil
	})
}
