package stream

import (
	"context"
	"fmt"
	"time"
)

// RetentionError says that a retention period cannot be asked for: it is out of bounds, or lies on the wrong side of
// the present one.
type RetentionError struct {
	Name            Name
	Asked, Existing int // hours
}

func (e *RetentionError) Error() string {
	return fmt.Sprintf("retention of %d hours for stream %s, which has %d", e.Asked, e.Name, e.Existing)
}

// IncreaseRetention keeps the records of a stream for longer. Those that have expired stay so, though they may still be
// in the store.
//
// Errors: NotFoundError, StateError, RetentionError.
func (s *Service) IncreaseRetention(ctx context.Context, name Name, hours int) error {
	return s.setRetention(ctx, name, hours, func(existing int) bool { return hours >= existing })
}

// DecreaseRetention keeps the records of a stream for less long: older ones cannot be read any more when it returns.
//
// Errors: NotFoundError, StateError, RetentionError.
func (s *Service) DecreaseRetention(ctx context.Context, name Name, hours int) error {
	return s.setRetention(ctx, name, hours, func(existing int) bool { return hours <= existing })
}

func (s *Service) setRetention(ctx context.Context, name Name, hours int, fits func(existing int) bool) error {
	return s.edit(ctx, name, func(next *live) error {
		st := &next.stream
		existing := int(st.Retention / time.Hour)
		switch {
		case hours < MinRetentionHours || hours > MaxRetentionHours || !fits(existing):
			return &RetentionError{Name: name, Asked: hours, Existing: existing}
		case st.Status == StatusDeleting:
			return &StateError{Name: name, Status: st.Status}
		case hours == existing:
			return errUnchanged
		}
		st.trimmed = st.horizon(s.clock.Now())
		st.Retention = time.Duration(hours) * time.Hour
		return nil
	})
}
