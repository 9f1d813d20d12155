package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
)

// RegisterConsumer makes a consumer of a stream, with its first tags. It returns when the consumer is durable and
// CREATING; Run makes it ACTIVE.
//
// Errors: ErrName, those of AddTags, NotFoundError, StateError, ConsumerExistsError, ConsumerLimitError.
func (s *Service) RegisterConsumer(ctx context.Context, stream Name, name string, tags map[string]string) (Consumer, error) {
	if !validName(name) {
		return Consumer{}, fmt.Errorf("%w: consumer %q", ErrName, name)
	}
	tags, err := addTags(nil, tags, ResourceTags)
	if err != nil {
		return Consumer{}, err
	}
	if err := s.takeControl(ctx); err != nil {
		return Consumer{}, err
	}
	defer s.leaveControl()
	l, ok := s.find(stream)
	if !ok {
		return Consumer{}, &NotFoundError{stream}
	}
	now := s.clock.Now()
	r := &registration{number: l.stream.Number, since: now, seats: new(seats), consumer: Consumer{
		Stream: stream, Name: name, Status: StatusCreating, Created: now.UTC().Truncate(time.Second),
	}}
	if err := s.admitConsumer(ctx, l, r); err != nil {
		return Consumer{}, err
	}
	var tagged []store.Write
	if len(tags) > 0 {
		w, err := s.catalog.resources.Write(resourceKey(ofConsumer(r.consumer.ID())), resourceDocument{Tags: tags}, 0)
		if err != nil {
			return Consumer{}, err
		}
		tagged = append(tagged, w)
	}
	if err := s.change(ctx, r, tagged...); err != nil {
		return Consumer{}, fmt.Errorf("register consumer %s of stream %s: %w", name, stream, err)
	}
	return r.consumer, nil
}

// admitConsumer checks a new consumer against the stream and those it has. The caller has control.
func (s *Service) admitConsumer(ctx context.Context, l *live, r *registration) error {
	if err := s.doubts.Settle(ctx, r.subject()); err != nil {
		return err
	}
	if _, ok := s.roster.find(r.number, r.consumer.Name); ok {
		return &ConsumerExistsError{r.consumer.ID()}
	}
	if !l.stream.Status.usable() {
		return &StateError{l.stream.Name, l.stream.Status}
	}
	limit := MaxConsumers
	if committed, err := s.Committed(ctx, l.stream.Name.Account, l.stream.Name.Region); err != nil {
		return err
	} else if committed && l.stream.Mode == ModeOnDemand {
		limit = MaxCommittedConsumers
	}
	all, creating := s.roster.of(r.number), 0
	for _, other := range all {
		if other.consumer.Status == StatusCreating {
			creating++
		}
	}
	switch {
	case len(all) >= limit:
		return &ConsumerLimitError{Name: l.stream.Name, Limit: limit}
	case creating >= maxConsumersCreating:
		return &ConsumerLimitError{Name: l.stream.Name, Limit: maxConsumersCreating, Creating: true}
	}
	return nil
}

// change makes a registration durable, with whatever else belongs to it, and known. The caller has control.
func (s *Service) change(ctx context.Context, r *registration, more ...store.Write) error {
	ctx = context.WithoutCancel(ctx)
	if err := s.roster.table.put(ctx, r, more...); err != nil {
		s.doubt(ctx, r.subject(), err, func(ctx context.Context) error { return s.roster.reread(ctx, r) })
		return err
	}
	s.roster.publish(r)
	s.lookAgain()
	return nil
}

// DeregisterConsumer lets a consumer go, or answers ConsumerNotFoundError. It returns when the consumer is durably
// DELETING and its subscriptions have been told. Run removes it. To do it once more changes nothing.
func (s *Service) DeregisterConsumer(ctx context.Context, id ConsumerID) error {
	if err := s.takeControl(ctx); err != nil {
		return err
	}
	defer s.leaveControl()
	_, r, err := s.consumer(id)
	if err == nil {
		if err := s.doubts.Settle(ctx, r.subject()); err != nil {
			return err
		}
		_, r, err = s.consumer(id)
	}
	if err != nil || r.consumer.Status == StatusDeleting {
		return err
	}
	if err := s.change(ctx, r.in(StatusDeleting, s.clock.Now())); err != nil {
		return fmt.Errorf("deregister consumer %s of stream %s: %w", id.Name, id.Stream, err)
	}
	r.seats.end(&ConsumerNotFoundError{r.consumer.ID()})
	return nil
}

// DescribeConsumer returns the consumer as it is now, or ConsumerNotFoundError. One that is being registered or
// deregistered is found.
func (s *Service) DescribeConsumer(_ context.Context, id ConsumerID) (Consumer, error) {
	l, r, err := s.consumer(id)
	if err != nil {
		return Consumer{}, err
	}
	return r.snapshot(&l.stream), nil
}

// CountConsumers returns how many consumers a stream has.
func (s *Service) CountConsumers(name Name) int {
	l, ok := s.find(name)
	if !ok {
		return 0
	}
	return len(s.roster.of(l.stream.Number))
}

func (s *Service) consumer(id ConsumerID) (*live, *registration, error) {
	if l, ok := s.find(id.Stream); ok {
		r, ok := s.roster.find(l.stream.Number, id.Name)
		if ok && (id.Created == 0 || id.Created == r.consumer.Created.Unix()) {
			return l, r, nil
		}
	}
	return nil, nil, &ConsumerNotFoundError{id}
}

// settleConsumers carries out the transitions of consumers that are due and returns how long the next one has time, if
// there is one.
func (s *Service) settleConsumers(ctx context.Context) (wait time.Duration, ok bool) {
	for _, r := range s.roster.moving() {
		now := s.clock.Now()
		left := r.due(s.delay, now).Sub(now)
		if left <= 0 {
			err := s.transitConsumer(ctx, r)
			if err == nil {
				continue
			}
			s.log.Error("consumer cannot change its state; will try again", "consumer", r.consumer.Name, "status", r.consumer.Status, "error", err)
			left = transitionRetry
		}
		if !ok || left < wait {
			wait, ok = left, true
		}
	}
	return wait, ok
}

// due returns when the consumer's transition is: after the delay, and no consumer goes in the second in which it was
// registered, so that the next of its name has another ARN.
func (r *registration) due(delay time.Duration, now time.Time) time.Time {
	due := endOf(r.since, delay, now)
	if r.consumer.Status == StatusDeleting && !now.Before(r.consumer.Created) {
		return later(due, r.consumer.Created.Add(time.Second))
	}
	return due
}

// transitConsumer carries out the transition of a consumer, unless it has changed meanwhile.
func (s *Service) transitConsumer(ctx context.Context, r *registration) error {
	if err := s.takeControl(ctx); err != nil {
		return err
	}
	defer s.leaveControl()
	if err := s.doubts.Settle(ctx, r.subject()); err != nil {
		return err
	}
	if now, ok := s.roster.find(r.number, r.consumer.Name); !ok || now != r {
		return nil
	}
	if r.consumer.Status == StatusCreating {
		return s.change(ctx, r.in(StatusActive, s.clock.Now()))
	}
	if err := s.store.Commit(ctx, s.roster.table.remove(r), s.catalog.resources.Remove(resourceKey(ofConsumer(r.consumer.ID())), 0)); err != nil {
		return err
	}
	s.roster.forget(r.number, r.consumer.Name)
	return nil
}
