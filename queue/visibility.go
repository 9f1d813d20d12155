package queue

import (
	"context"
	"fmt"
	"time"
)

// VisibilityChange asks that a message stay hidden for that long from now, or, with 0, be visible at once.
type VisibilityChange struct {
	Handle string
	// Timeout is 0 to MaxVisibility, and must end within MaxVisibility of the message's last receive.
	Timeout time.Duration
}

// ChangeVisibility changes how long messages stay hidden, and answers for each change in the order given: nil, or one
// of ErrInvalidHandle, ErrVisibilityRange, ErrVisibilityTotal, ErrMessageGone. A message that is visible again but was
// not received since can be hidden again, though not in a FIFO queue. An error about all of them is ErrNotFound or the store's.
func (s *Service) ChangeVisibility(ctx context.Context, name Name, changes ...VisibilityChange) ([]error, error) {
	refused, err := s.changeVisibility(ctx, name, changes)
	if err != nil {
		return nil, fmt.Errorf("change visibility in %s: %w", name, err)
	}
	return refused, nil
}

func (s *Service) changeVisibility(ctx context.Context, name Name, changes []VisibilityChange) ([]error, error) {
	q, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if err := q.ready(ctx); err != nil {
		return nil, err
	}
	refused := make([]error, len(changes))
	for i, c := range changes {
		if c.Timeout < 0 || c.Timeout > MaxVisibility {
			refused[i] = ErrVisibilityRange
			continue
		}
		r, ok := q.open(c.Handle)
		if !ok {
			refused[i] = ErrInvalidHandle
			continue
		}
		e, forgotten, err := q.seek(ctx, r)
		if err != nil {
			return nil, err
		}
		refused[i] = q.hide(e, r, forgotten, c.Timeout.Milliseconds())
	}
	return refused, nil
}

// hide sets the deadline of a message; e is nil when it is gone.
func (q *queue) hide(e *entry, r receipt, forgotten bool, timeout int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if e == nil || e.deleted || e.deleting > 0 || q.expired(e.sent, now) || !forgotten && q.endedLocked(e, r) {
		return ErrMessageGone
	}
	if now+timeout-e.last > MaxVisibility.Milliseconds() {
		return ErrVisibilityTotal
	}
	e.deadline = now + timeout
	q.placeLocked(e, now)
	q.touchLocked(e, now)
	q.serveLocked(now)
	return nil
}
