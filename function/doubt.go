package function

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/millrace/millrace/store"
)

// doubtRetry is how often it is tried to settle doubts while there are some.
const doubtRetry = time.Second

// change waits until the caller alone may change the function, and it is known what the store holds of it.
func (s *Service) change(ctx context.Context, name Name) (unlock func(), err error) {
	if unlock, err = s.changing.lock(ctx, name); err != nil {
		return nil, err
	}
	if err := s.doubts.Settle(ctx, key(name)); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// changeKnown is change for a function that has to be there, or the error is a *NotFoundError.
func (s *Service) changeKnown(ctx context.Context, name Name) (old *entry, unlock func(), err error) {
	return s.changeFound(ctx, Ref{Name: name}, func(Ref) (*entry, error) { return s.lookup(name) })
}

// changeFound is change for a function that has to have what find looks for, or the error is find's.
func (s *Service) changeFound(ctx context.Context, about Ref, find func(Ref) (*entry, error)) (old *entry, unlock func(), err error) {
	if unlock, err = s.change(ctx, about.Name); err != nil {
		return nil, nil, err
	}
	if old, err = find(about); err != nil {
		unlock()
		return nil, nil, err
	}
	return old, unlock, nil
}

// outcome is told whether a change was made, once that is known. Its context does not end.
type outcome func(ctx context.Context, made bool)

func (o outcome) call(ctx context.Context, made bool) {
	if o != nil {
		o(context.WithoutCancel(ctx), made)
	}
}

// commit stores a change of a function, of which next takes the place of old in memory: nil for none. A change of which the
// store cannot say whether it was made is found out about later: until then memory has old, and done, which may be nil,
// is not called. The writes go on when ctx ends. The caller holds the function's lock, and so does who settles a doubt.
func (s *Service) commit(ctx context.Context, old, next *entry, done outcome, writes ...store.Write) error {
	ctx = context.WithoutCancel(ctx)
	name := next.nameOr(old)
	err := s.tables.Commit(ctx, writes...)
	if store.InDoubt(err) {
		s.doubts.Add(key(name), func(ctx context.Context) error {
			made, err := s.shows(ctx, writes)
			if err == nil {
				s.conclude(ctx, name, next, done, made)
			}
			return err
		})
		s.poke()
		return err
	}
	s.conclude(ctx, name, next, done, err == nil)
	return err
}

// nameOr returns the name of the function that e is, or other.
func (e *entry) nameOr(other *entry) Name {
	if e == nil {
		e = other
	}
	return e.Function.Name
}

// conclude ends a change.
func (s *Service) conclude(ctx context.Context, name Name, next *entry, done outcome, made bool) {
	if made {
		s.mu.Lock()
		s.indexURLs(s.entries[name], next)
		if next == nil {
			delete(s.entries, name)
			delete(s.due, name)
		} else {
			s.entries[name] = next
		}
		s.mu.Unlock()
		s.supply(name, next)
	}
	done.call(ctx, made)
}

// shows reports whether the store holds what the writes of one commit make of it. Nothing else has written it since.
func (s *Service) shows(ctx context.Context, writes []store.Write) (bool, error) {
	for _, w := range writes {
		e, err := s.tables.Get(ctx, w.Table, w.Key)
		gone := errors.Is(err, store.ErrNotFound)
		switch {
		case err != nil && !gone:
			return false, err
		case gone != w.Delete, !gone && !bytes.Equal(e.Value, w.Value):
			return false, nil
		}
	}
	return true, nil
}

// doubt is the subject of a layer's doubts. It has one part more than a function's.
func (n LayerName) doubt() string { return store.Key("layer", n.Account, n.Region, n.Name) }

// changeLayer is change for a layer.
func (s *Service) changeLayer(ctx context.Context, name LayerName) (unlock func(), err error) {
	if unlock, err = s.layers.publishing.lock(ctx, name); err != nil {
		return nil, err
	}
	if err := s.doubts.Settle(ctx, name.doubt()); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// commitLayer is commit for a layer: done makes the change in memory.
func (s *Service) commitLayer(ctx context.Context, name LayerName, done outcome, writes ...store.Write) error {
	ctx = context.WithoutCancel(ctx)
	err := s.tables.Commit(ctx, writes...)
	if store.InDoubt(err) {
		s.doubts.Add(name.doubt(), func(ctx context.Context) error {
			made, err := s.shows(ctx, writes)
			if err == nil {
				done.call(ctx, made)
			}
			return err
		})
		s.poke()
		return err
	}
	done.call(ctx, err == nil)
	return err
}

// doubtEvent has it found out whether an event was stored: then it is delivered, although who sent it was told of an error. It keeps
// its place in the backlog meanwhile, which bounds the events in doubt.
func (s *Service) doubtEvent(e *queued) {
	s.doubts.Add(store.Key("event", e.key), func(ctx context.Context) error {
		_, _, err := s.events.Get(ctx, e.key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			s.backlog.forget(e)
			return nil
		case err != nil:
			return err
		}
		s.recordEvent(e.About, AsyncEventsReceived, 1)
		if !s.backlog.enqueue(e) { // deleted meanwhile
			s.clearEvents(ctx, []string{e.key}, nil)
		}
		return nil
	})
	s.poke()
}

// settleDoubts settles what it can and reports whether something is in doubt still.
func (s *Service) settleDoubts(ctx context.Context) bool {
	var last error
	failed := 0
	for _, subject := range s.doubts.Open() {
		if err := s.settleDoubt(ctx, subject); err != nil {
			last = err
			failed++
		}
	}
	if failed > 0 && ctx.Err() == nil {
		s.log.Warn("doubts cannot be settled yet", "number", failed, "err", last)
	}
	return len(s.doubts.Open()) > 0
}

// settleDoubt settles one while nobody else changes what it is about.
func (s *Service) settleDoubt(ctx context.Context, subject string) error {
	var unlock func()
	var err error
	switch parts := store.SplitKey(subject); len(parts) {
	case 5:
		return s.doubts.Settle(ctx, subject) // an event, which nobody knows yet or any more
	case 4:
		unlock, err = s.changeLayer(ctx, LayerName{parts[1], parts[2], parts[3]})
	default:
		unlock, err = s.change(ctx, Name{Account: parts[0], Region: parts[1], Name: parts[2]})
	}
	if err == nil {
		unlock()
	}
	return err
}
