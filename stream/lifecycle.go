package stream

import (
	"context"
	"fmt"
	"time"
)

// transitionRetry is how long a transition that the store refused is left alone.
const transitionRetry = time.Second

// CreateOptions are the settings of a new stream.
type CreateOptions struct {
	// Mode may be left empty: PROVISIONED then if there is a ShardCount, else ON_DEMAND.
	Mode Mode
	// ShardCount is required for PROVISIONED and must be 0 for ON_DEMAND, which begins with four shards.
	ShardCount int
	// MaxRecordBytes is Stream.MaxRecordBytes; 0 means DefaultRecordBytes.
	MaxRecordBytes int
	// WarmMiBps, if not nil, is Stream.WarmMiBps: see SetWarmThroughput.
	WarmMiBps *int
	// Tags are the stream's first ones.
	Tags map[string]string
}

// resolve fills in what was left out and checks the rest.
func (o CreateOptions) resolve() (CreateOptions, error) {
	if o.Mode == "" {
		if o.Mode = ModeProvisioned; o.ShardCount == 0 {
			o.Mode = ModeOnDemand
		}
	}
	switch {
	case o.Mode != ModeProvisioned && o.Mode != ModeOnDemand:
		return o, fmt.Errorf("%w: %q", ErrMode, o.Mode)
	case o.Mode == ModeProvisioned && o.ShardCount < 1, o.Mode == ModeOnDemand && o.ShardCount != 0:
		return o, fmt.Errorf("%w: %d in mode %s", ErrShardCount, o.ShardCount, o.Mode)
	case o.Mode == ModeOnDemand:
		o.ShardCount = onDemandShards
	}
	if o.MaxRecordBytes == 0 {
		o.MaxRecordBytes = DefaultRecordBytes
	}
	if o.MaxRecordBytes < DefaultRecordBytes || o.MaxRecordBytes > MaxRecordBytes {
		return o, fmt.Errorf("%w: %d bytes", ErrRecordBytes, o.MaxRecordBytes)
	}
	var err error
	if len(o.Tags) > 0 {
		o.Tags, err = addTags(nil, o.Tags, ResourceTags)
	}
	return o, err
}

// Create makes a stream. It returns when the stream is durable and CREATING; Run makes it ACTIVE.
//
// Errors: ErrName, ErrMode, ErrShardCount, ErrRecordBytes, those of AddTags, ExistsError, CreatingLimitError,
// OnDemandLimitError, ShardLimitError, those of SetWarmThroughput.
func (s *Service) Create(ctx context.Context, name Name, options CreateOptions) error {
	o, err := options.resolve()
	if err != nil {
		return err
	}
	if !validName(name.Name) || !validAccount(name.Account) || name.Region == "" {
		return fmt.Errorf("%w: %s", ErrName, name)
	}
	if err := s.takeControl(ctx); err != nil {
		return err
	}
	defer s.leaveControl()
	if err := s.doubts.Settle(ctx, streamSubject(name)); err != nil {
		return err
	}
	if err := s.admit(name, o); err != nil {
		return err
	}
	warm := 0
	if o.WarmMiBps != nil {
		if err := s.admitWarm(ctx, name, o.Mode, onDemandShards, *o.WarmMiBps); err != nil {
			return err
		}
		warm = *o.WarmMiBps
	}
	now := s.clock.Now()
	l := &live{since: now, asked: o.ShardCount, stream: Stream{
		Name: name, Number: s.next, Status: StatusCreating, Mode: o.Mode,
		Created:   now.Add(-creationLag).UTC().Truncate(time.Second),
		Retention: DefaultRetention, MaxRecordBytes: o.MaxRecordBytes, WarmMiBps: warm,
	}}
	s.next++ // spent even if the commit fails, since it may have happened all the same
	ctx = context.WithoutCancel(ctx)
	if err := s.catalog.create(ctx, l, s.next, o.Tags); err != nil {
		s.doubtStream(ctx, name, err)
		return fmt.Errorf("create stream %s: %w", name, err)
	}
	s.publish(l)
	s.lookAgain()
	return nil
}

// admit checks a new stream against what the account has. The caller has control.
func (s *Service) admit(name Name, o CreateOptions) error {
	if _, ok := s.find(name); ok {
		return &ExistsError{name}
	}
	u := s.usage(name)
	switch {
	case u.creating >= maxCreating:
		return &CreatingLimitError{Limit: maxCreating}
	case o.Mode == ModeOnDemand && u.onDemand >= maxOnDemand:
		return &OnDemandLimitError{Count: u.onDemand, Limit: maxOnDemand}
	}
	return s.admitShards(u, o.ShardCount)
}

// usage is what an account has in a region, with what it has been promised.
type usage struct{ creating, onDemand, shards int }

// usage counts what the account has in the region of a stream.
func (s *Service) usage(name Name) (u usage) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for other, l := range s.byName {
		if other.Account != name.Account || other.Region != name.Region {
			continue
		}
		shards := l.stream.OpenShards()
		if l.stream.Mode == ModeOnDemand || l.change != nil && l.change.Mode == ModeOnDemand {
			u.onDemand++
		}
		switch l.stream.Status {
		case StatusCreating:
			u.creating++
			shards = l.asked
		case StatusUpdating:
			shards = max(shards, l.asked)
		}
		u.shards += shards
	}
	return u
}

// admitShards checks whether the account may have so many more shards.
func (s *Service) admitShards(u usage, more int) error {
	if more > s.limit-u.shards {
		return &ShardLimitError{Open: u.shards, More: more, Limit: s.limit}
	}
	return nil
}

// Delete lets a stream go, or answers NotFoundError, or HasConsumersError when a consumer is registered that is not going
// too. It returns when the stream is durably DELETING: its records can no longer be put or read, and subscriptions to it
// end. Run removes it. Deleting it once more changes nothing.
func (s *Service) Delete(ctx context.Context, name Name) error { return s.delete(ctx, name, false) }

// DeleteWithConsumers does the same whatever consumers there are; they go with the stream.
func (s *Service) DeleteWithConsumers(ctx context.Context, name Name) error {
	return s.delete(ctx, name, true)
}

func (s *Service) delete(ctx context.Context, name Name, consumers bool) error {
	return s.edit(ctx, name, func(next *live) error {
		switch {
		case next.stream.Status == StatusDeleting:
			return errUnchanged
		case !consumers && s.roster.stays(next.stream.Number):
			return &HasConsumersError{name}
		}
		next.stream.Status, next.since, next.change = StatusDeleting, s.clock.Now(), nil
		return nil
	})
}

// retire sends the readers and writers of a DELETING stream away.
func (l *live) retire() {
	for _, log := range l.logs {
		log.retire()
	}
}

// takeControl waits for its turn to change which streams there are.
func (s *Service) takeControl(ctx context.Context) error {
	select {
	case s.control <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) leaveControl() { <-s.control }

// lookAgain makes Run look for transitions.
func (s *Service) lookAgain() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// runTransitions carries out transitions when they are due, and settles doubts.
func (s *Service) runTransitions(ctx context.Context) {
	for ctx.Err() == nil {
		doubts := s.settleDoubts(ctx)
		wait, ok := s.settle(ctx)
		if left, more := s.settleConsumers(ctx); more && (!ok || left < wait) {
			wait, ok = left, true
		}
		if doubts && (!ok || transitionRetry < wait) {
			wait, ok = transitionRetry, true
		}
		s.pause(ctx, wait, ok)
	}
}

// pause returns after the wait, if there is one, or when there may be new transitions, or when the context ends.
func (s *Service) pause(ctx context.Context, wait time.Duration, ok bool) {
	var due <-chan time.Time
	if ok {
		timer := s.clock.NewTimer(wait)
		defer timer.Stop()
		due = timer.Chan()
	}
	select {
	case <-due:
	case <-s.changed:
	case <-ctx.Done():
	}
}

// settle carries out the transitions that are due and returns how long the next one has time, if there is one.
func (s *Service) settle(ctx context.Context) (wait time.Duration, ok bool) {
	for _, l := range s.moving() {
		now := s.clock.Now()
		left := l.due(s.delay, now).Sub(now)
		if left <= 0 {
			err := s.transit(ctx, l)
			if err == nil || ctx.Err() != nil {
				continue
			}
			s.log.Error("stream cannot change its state; will try again", "stream", l.stream.Name.Name, "status", l.stream.Status, "error", err)
			left = transitionRetry
		}
		if !ok || left < wait {
			wait, ok = left, true
		}
	}
	return wait, ok
}

// due returns when the transition of the stream is to be carried out. A shard that was created in the course of another
// change, and is dated a moment ahead, is not closed before its time has come; one that is dated further ahead was created
// before the clock was set back.
func (l *live) due(delay time.Duration, now time.Time) time.Time {
	due := endOf(l.since, delay, now)
	if l.change != nil && l.change.reshapes() {
		for i := range l.stream.Shards {
			if created := l.stream.Shards[i].Created; created.Sub(now) <= reshapeLead {
				due = later(due, created)
			}
		}
	}
	return due
}

// endOf returns when a transition ends that has gone on since a time. A clock that was set back to before its beginning ends
// it: else it would last until the clock has caught up.
func endOf(since time.Time, delay time.Duration, now time.Time) time.Time {
	if now.Before(since) {
		return now
	}
	return since.Add(delay)
}

// moving returns the streams that are on their way to another status.
func (s *Service) moving() []*live {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*live
	for _, l := range s.byNumber {
		if l.stream.Status != StatusActive {
			found = append(found, l)
		}
	}
	return found
}

// transit carries out the transition of a stream, unless it has changed meanwhile.
func (s *Service) transit(ctx context.Context, l *live) error {
	if err := s.takeControl(ctx); err != nil {
		return err
	}
	defer s.leaveControl()
	if err := s.doubts.Settle(ctx, streamSubject(l.stream.Name)); err != nil {
		return err
	}
	if now, ok := s.find(l.stream.Name); !ok || now != l {
		return nil
	}
	switch l.stream.Status {
	case StatusCreating:
		return s.activate(ctx, l)
	case StatusUpdating:
		return s.finish(ctx, l)
	}
	return s.remove(ctx, l)
}

// activate gives a stream its shards.
func (s *Service) activate(ctx context.Context, l *live) error {
	active := *l
	active.since = s.clock.Now()
	active.stream.Status = StatusActive
	active.stream.Shards = initialShards(l.asked, l.stream.Created)
	if err := s.catalog.update(ctx, &active); err != nil {
		return err
	}
	active.open(nil, true)
	s.publish(&active)
	return nil
}

// remove drops a stream with all its records.
func (s *Service) remove(ctx context.Context, l *live) error {
	for _, log := range l.logs {
		if err := log.quiesce(ctx); err != nil {
			return err
		}
		s.tail.drop(log.key)
	}
	s.shelf.dropStream(l.stream.Number)
	if err := s.store.DropLogs(ctx, l.stream.Number); err != nil {
		return err
	}
	consumers := s.roster.of(l.stream.Number)
	if err := s.catalog.remove(ctx, l.stream.Name, s.roster.removals(consumers)...); err != nil {
		return err
	}
	s.forget(l)
	for _, r := range consumers {
		s.roster.forget(r.number, r.consumer.Name)
	}
	return nil
}
