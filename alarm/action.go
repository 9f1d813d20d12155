package alarm

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// maxPending bounds the actions of one alarm that wait: the oldest go.
	maxPending = 25
	// maxActing bounds the alarms whose actions are carried out at the same time.
	maxActing = 8
	// actionTries is how often an action is tried, actionWait how long it waits between.
	actionTries = 3
	actionWait  = 20 * time.Second
)

// acting is how the actions of alarms are carried out: those of one alarm in their order, those of several beside each other, so
// that a slow one delays no other alarm. It belongs to one goroutine.
type acting struct {
	*Service
	busy map[Name]bool
	hold map[Name]time.Time // alarms of which it could not be noted what came of an action: until then it is not tried again
	done chan acted         // has room for all that are busy
}

type acted struct {
	name Name
	hold time.Time
}

// act carries actions out as they come to be pending, until ctx ends and all that it started have.
func (s *Service) act(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	a := acting{s, map[Name]bool{}, map[Name]time.Time{}, make(chan acted, maxActing)}
	for {
		next := a.start(ctx, &running)
		var again <-chan time.Time
		stop := func() bool { return true }
		if !next.IsZero() {
			timer := s.config.Clock.NewTimer(next.Sub(s.config.Clock.Now()))
			again, stop = timer.Chan(), timer.Stop
		}
		select {
		case <-ctx.Done():
			stop()
			return
		case <-s.changed:
		case <-again:
		case did := <-a.done:
			delete(a.busy, did.name)
			a.hold[did.name] = did.hold
		}
		stop()
	}
}

// start begins with the alarms whose actions are due, as many as may be, and returns when others will be.
func (a acting) start(ctx context.Context, running *sync.WaitGroup) (next time.Time) {
	now := a.config.Clock.Now()
	maps.DeleteFunc(a.hold, func(_ Name, until time.Time) bool { return !until.After(now) })
	for name, due := range a.dues() {
		if until := a.hold[name]; until.After(due) {
			due = until
		}
		switch {
		case a.busy[name], len(a.busy) == maxActing && !due.After(now): // looked at again when one has ended
		case due.After(now):
			if next.IsZero() || due.Before(next) {
				next = due
			}
		default:
			a.busy[name] = true
			running.Go(func() { a.done <- acted{name, a.actFor(ctx, name)} })
		}
	}
	return next
}

// dues returns when the first action of each alarm that has any is due.
func (s *Service) dues() map[Name]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	dues := map[Name]time.Time{}
	for name, r := range s.known {
		if len(r.Pending) > 0 {
			dues[name] = slices.MinFunc(r.Pending, func(p, q pending) int { return p.Due.Compare(q.Due) }).Due
		}
	}
	return dues
}

// actFor carries out what is due of an alarm. It returns until when the alarm is to be left alone, zero for not at all.
func (s *Service) actFor(ctx context.Context, name Name) (hold time.Time) {
	r, err := s.find(name)
	if err != nil {
		return hold
	}
	for _, p := range r.Pending {
		now := s.config.Clock.Now()
		if p.Due.After(now) {
			continue
		}
		noted := s.try(ctx, name, p, now)
		if ctx.Err() != nil {
			return hold
		}
		if !noted {
			hold = now.Add(actionWait)
		}
	}
	return hold
}

// try carries an action out, and reports whether it could note what came of it.
func (s *Service) try(ctx context.Context, name Name, p pending, now time.Time) bool {
	err := s.config.Actor.Act(ctx, p.Target, p.Event)
	if ctx.Err() != nil {
		return false // the next Run begins anew
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
	return noted == nil || errors.Is(noted, ErrNotFound)
}
