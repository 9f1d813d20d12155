package function

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/store"
)

// What becomes of events when nothing else is configured.
const (
	DefaultRetryAttempts   = 2
	DefaultEventAgeSeconds = 21600
)

// EventConfig says what becomes of the events of a function, a version or an alias: each has its own. It is a value that
// nobody changes. Its JSON form is part of the store's format.
type EventConfig struct {
	// About is what the configuration is for; its qualifier is never empty.
	About Ref
	// MaximumRetryAttempts and MaximumEventAgeSeconds are nil when they were not given, which means the defaults.
	MaximumRetryAttempts   *int `json:",omitempty"`
	MaximumEventAgeSeconds *int `json:",omitempty"`
	// OnSuccess and OnFailure are the ARNs of destinations, or empty.
	OnSuccess, OnFailure string `json:",omitempty"`
	LastModified         time.Time
}

// retries returns how often an event is handed to a function that fails, after the first time.
func (c EventConfig) retries() int {
	if c.MaximumRetryAttempts == nil {
		return DefaultRetryAttempts
	}
	return *c.MaximumRetryAttempts
}

// maximumAge returns how old an event may become.
func (c EventConfig) maximumAge() time.Duration {
	seconds := DefaultEventAgeSeconds
	set(&seconds, c.MaximumEventAgeSeconds)
	return time.Duration(seconds) * time.Second
}

// EventConfigUpdate is a change of an EventConfig. What is nil stays as it is.
type EventConfigUpdate struct {
	MaximumRetryAttempts, MaximumEventAgeSeconds *int
	OnSuccess, OnFailure                         *string
}

// withLatest is the reference as configurations have it.
func (r Ref) withLatest() Ref {
	setDefault(&r.Qualifier, Latest)
	return r
}

// PutEventConfig makes the configuration of a function, a version or an alias anew, and returns it. The error is
// ErrNotFound when there is no such function, version or alias, one about a destination, or a failure of the store.
func (s *Service) PutEventConfig(ctx context.Context, about Ref, u EventConfigUpdate) (EventConfig, error) {
	return s.changeEventConfig(ctx, about, u, func(*entry) (EventConfig, error) { return EventConfig{}, nil })
}

// UpdateEventConfig changes a configuration that is there, and returns it. The error is a *NoEventConfigError, or one of
// PutEventConfig.
func (s *Service) UpdateEventConfig(ctx context.Context, about Ref, u EventConfigUpdate) (EventConfig, error) {
	return s.changeEventConfig(ctx, about, u, func(e *entry) (EventConfig, error) { return e.eventConfigOf(about) })
}

// eventConfigOf returns the configuration that is there, or a *NoEventConfigError.
func (e *entry) eventConfigOf(about Ref) (EventConfig, error) {
	about = about.withLatest()
	c, there := e.eventConfigs[about.Qualifier]
	if !there {
		return EventConfig{}, &NoEventConfigError{ARN: about.ARN()}
	}
	return c, nil
}

func (s *Service) changeEventConfig(
	ctx context.Context, about Ref, u EventConfigUpdate, from func(*entry) (EventConfig, error),
) (EventConfig, error) {
	unlock, err := s.change(ctx, about.Name)
	if err != nil {
		return EventConfig{}, err
	}
	defer unlock()
	about = about.withLatest()
	if _, err := s.Find(ctx, about); err != nil {
		return EventConfig{}, err
	}
	old, err := s.lookup(about.Name)
	if err != nil {
		return EventConfig{}, err
	}
	if err := s.checkDestinations(about.Name, u); err != nil {
		return EventConfig{}, err
	}
	c, err := from(old)
	if err != nil {
		return EventConfig{}, err
	}
	c.About, c.LastModified = about, s.clock.Now()
	if u.MaximumRetryAttempts != nil {
		c.MaximumRetryAttempts = u.MaximumRetryAttempts
	}
	if u.MaximumEventAgeSeconds != nil {
		c.MaximumEventAgeSeconds = u.MaximumEventAgeSeconds
	}
	set(&c.OnSuccess, u.OnSuccess)
	set(&c.OnFailure, u.OnFailure)
	next := *old
	next.eventConfigs = with(old.eventConfigs, about.Qualifier, c)
	put, err := s.eventConfigs.Write(key(about.Name, about.Qualifier), c, 0)
	if err != nil {
		return EventConfig{}, err
	}
	if err := s.commit(ctx, old, &next, nil, put); err != nil {
		return EventConfig{}, fmt.Errorf("store event configuration of %s: %w", about.ARN(), err)
	}
	return c, nil
}

// EventConfig returns a configuration, or a *NoEventConfigError, also when there is no such function.
func (s *Service) EventConfig(_ context.Context, about Ref) (EventConfig, error) {
	e, err := s.lookup(about.Name)
	if err != nil {
		return EventConfig{}, &NoEventConfigError{ARN: about.withLatest().ARN()}
	}
	return e.eventConfigOf(about)
}

// EventConfigs lists up to limit configurations of a function by their qualifiers, after the given one.
func (s *Service) EventConfigs(_ context.Context, name Name, after string, limit int) (list []EventConfig, more bool, err error) {
	e, err := s.lookup(name)
	if err != nil {
		return nil, false, err
	}
	for qualifier, c := range e.eventConfigs {
		if qualifier > after {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b EventConfig) int { return strings.Compare(a.About.Qualifier, b.About.Qualifier) })
	if len(list) > limit {
		return list[:limit:limit], true, nil
	}
	return list, false, nil
}

// DeleteEventConfig removes a configuration. The error is one of EventConfig, or a failure of the store.
func (s *Service) DeleteEventConfig(ctx context.Context, about Ref) error {
	unlock, err := s.change(ctx, about.Name)
	if err != nil {
		return err
	}
	defer unlock()
	about = about.withLatest()
	old, err := s.lookup(about.Name)
	if err != nil {
		return &NoEventConfigError{ARN: about.ARN()}
	}
	if _, err := old.eventConfigOf(about); err != nil {
		return err
	}
	next := *old
	next.eventConfigs = without(old.eventConfigs, about.Qualifier)
	if err := s.commit(ctx, old, &next, nil, s.eventConfigs.Remove(key(about.Name, about.Qualifier), 0)); err != nil {
		return fmt.Errorf("delete event configuration of %s: %w", about.ARN(), err)
	}
	return nil
}

// loadEventConfigs reads all configurations into the entries of their functions.
func (s *Service) loadEventConfigs(ctx context.Context) error {
	for item, err := range s.eventConfigs.Scan(ctx, "") {
		if err != nil {
			return err
		}
		about := item.Value.About
		e := s.entries[about.Name]
		if e == nil {
			return fmt.Errorf("event configuration of %s has no function: %w", about.ARN(), store.ErrCorrupt)
		}
		e.eventConfigs = with(e.eventConfigs, about.Qualifier, item.Value)
	}
	return nil
}

// checkDestinations judges the destinations of a change: a *DestinationMissingError or ErrOwnDestination for a function,
// a *DestinationsError for what can be none.
func (s *Service) checkDestinations(of Name, u EventConfigUpdate) error {
	wrong := false
	for _, d := range []struct {
		to      *string
		failure bool
	}{{u.OnFailure, true}, {u.OnSuccess, false}} {
		if d.to == nil || *d.to == "" {
			continue
		}
		a, err := arn.Parse(*d.to)
		switch {
		case err == nil && a.Service == "lambda":
			if err := s.checkTargetFunction(of, *d.to); err != nil {
				return err
			}
		case err != nil, !isNoticeTarget(a), !a.In(of.Region), a.Service == "s3" && !d.failure:
			wrong = true
		}
	}
	if !wrong {
		return nil
	}
	failed := &DestinationsError{}
	set(&failed.OnSuccess, u.OnSuccess)
	set(&failed.OnFailure, u.OnFailure)
	return failed
}

// checkTargetFunction judges a function as a destination of another one.
func (s *Service) checkTargetFunction(of Name, to string) error {
	ref, err := ParseRef(to, of.Account, of.Region)
	if err == nil {
		_, err = s.lookup(ref.Name)
	}
	switch {
	case err != nil:
		return &DestinationMissingError{ARN: to}
	case ref.Name == of:
		return ErrOwnDestination
	}
	return nil
}

// isNoticeTarget reports whether notices can go to what the name means: a standard queue, a standard topic or a bucket.
func isNoticeTarget(a arn.ARN) bool {
	if a.Resource == "" || strings.ContainsAny(a.Resource, ":/*") {
		return false
	}
	if a.Service == "s3" {
		return a.Account == "" && a.Region == ""
	}
	return (a.Service == "sqs" || a.Service == "sns") && a.Account != "" && a.Region != "" && !strings.HasSuffix(a.Resource, ".fifo")
}

// checkDeadLetters judges where the dead letters of a function are to go.
func checkDeadLetters(to string) error {
	if to == "" {
		return nil
	}
	if a, err := arn.Parse(to); err != nil || a.Service == "s3" || !isNoticeTarget(a) {
		return &SettingError{"DeadLetterConfig.TargetArn", fmt.Sprintf("%q is not the ARN of a standard queue or topic", to)}
	}
	return nil
}
