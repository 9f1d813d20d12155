package alarm

import (
	"context"
	"slices"
	"time"
)

const (
	// maxPending bounds the actions of one alarm that wait: the oldest go.
	maxPending = 25
	// actionTries is how often an action is tried, actionWait how long it waits between.
	actionTries = 3
	actionWait  = 20 * time.Second
)

// act carries actions out as they come to be pending, until ctx ends.
func (s *Service) act(ctx context.Context) {
	for {
		next := s.actAll(ctx)
		var again <-chan time.Time
		if !next.IsZero() {
			timer := s.config.Clock.NewTimer(max(next.Sub(s.config.Clock.Now()), time.Second))
			again = timer.Chan()
		}
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		case <-again:
		}
	}
}

// actAll carries out what is pending, and returns when there will be more.
func (s *Service) actAll(ctx context.Context) (next time.Time) {
	s.mu.Lock()
	var names []Name
	for name, r := range s.known {
		if len(r.Pending) > 0 {
			names = append(names, name)
		}
	}
	s.mu.Unlock()
	for _, name := range names {
		r, err := s.find(name)
		if err != nil {
			continue
		}
		for _, p := range r.Pending {
			now := s.config.Clock.Now()
			if !p.Due.After(now) {
				p.Due = s.try(ctx, name, p, now)
			}
			if !p.Due.IsZero() && (next.IsZero() || p.Due.Before(next)) {
				next = p.Due
			}
			if ctx.Err() != nil {
				return next
			}
		}
	}
	return next
}

// try carries an action out, and notes what came of it. It returns when it is due again, zero when it has ended.
func (s *Service) try(ctx context.Context, name Name, p pending, now time.Time) time.Time {
	err := s.config.Actor.Act(ctx, p.Target, p.Event)
	if ctx.Err() != nil {
		return time.Time{} // the next Run begins anew
	}
	after := p
	after.Tries++
	after.Due = now.Add(actionWait)
	over := err == nil || after.Tries == actionTries
	noted := s.change(ctx, name, func(r *row) ([]Item, error) {
		i := slices.IndexFunc(r.Pending, func(other pending) bool {
			return other.Target == p.Target && other.Event.Alarm.Updated.Equal(p.Event.Alarm.Updated)
		})
		switch {
		case i < 0:
			return nil, nil
		case !over:
			r.Pending[i] = after
			return []Item{}, nil
		}
		r.Pending = slices.Delete(r.Pending, i, i+1)
		if err != nil {
			return []Item{{Kind: ItemAction, Time: now, Summary: "Failed to execute action " + p.Target, Data: "{}"}}, nil
		}
		return []Item{{Kind: ItemAction, Time: now, Summary: "Successfully executed action " + p.Target, Data: "{}"}}, nil
	})
	if err != nil && over || noted != nil {
		s.config.Log.Error("action of an alarm failed", "alarm", name.ARN(), "action", p.Target, "error", err, "noted", noted)
	}
	if over && noted == nil {
		return time.Time{}
	}
	return after.Due
}
