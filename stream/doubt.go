package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// doubt notes what a commit about a subject failed with. Unless it certainly did not happen, memory is brought in line with
// what the store shows now, and, if the store could not say that this is final, once more when it can. It reports whether
// the store showed anything. The caller has control.
func (s *Service) doubt(ctx context.Context, subject string, err error, settle func(context.Context) error) bool {
	if !store.InDoubt(err) {
		return true
	}
	s.doubts.Add(subject, settle)
	s.lookAgain()
	return s.doubts.Settle(ctx, subject) == nil || settle(ctx) == nil
}

// doubtStream does so for a stream.
func (s *Service) doubtStream(ctx context.Context, name Name, err error) bool {
	return s.doubt(ctx, streamSubject(name), err, func(ctx context.Context) error { return s.reread(ctx, name) })
}

// doubtLog does so for a log, whose end is looked for anew when somebody wants it. When the doubt is over that is done once
// more, for what was in doubt may be behind the end that was found meanwhile, and nobody was woken.
func (s *Service) doubtLog(l *shardLog) {
	s.doubts.Add(l.subject(), func(ctx context.Context) error {
		if !l.doubtIdle() {
			return errAppending
		}
		if err := l.load(ctx, s.store); err != nil {
			return err
		}
		l.trust()
		return nil
	})
	s.lookAgain()
}

// settleDoubts settles what is in doubt and reports whether something still is.
func (s *Service) settleDoubts(ctx context.Context) bool {
	subjects := s.doubts.Open()
	if len(subjects) == 0 || s.takeControl(ctx) != nil {
		return len(subjects) > 0
	}
	defer s.leaveControl()
	left := false
	for _, subject := range subjects {
		if err := s.doubts.Settle(ctx, subject); err != nil {
			s.log.Warn("doubt cannot be settled yet", "error", err)
			left = true
		}
	}
	return left
}

// reread brings memory in line with what the store holds of a stream. The caller has control.
func (s *Service) reread(ctx context.Context, name Name) error {
	stored, err := s.catalog.get(ctx, name)
	known, ok := s.find(name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if ok {
			s.forget(known)
		}
	case err != nil:
		return fmt.Errorf("read stream %s again: %w", name, err)
	case !ok || known.stream.Number != stored.stream.Number:
		stored.open(nil, false)
		s.publish(stored)
	default:
		stored.open(known, false)
		s.replace(stored)
	}
	return nil
}

// The subjects of doubts.

func streamSubject(name Name) string { return "stream " + catalogKey(name) }

func (r *registration) subject() string { return "consumer " + consumerKey(&r.consumer) }

func (l *shardLog) subject() string { return fmt.Sprintf("log %d %d", l.key.Stream, l.key.Index) }

// errAppending says that a log's end cannot be looked for, since an append is under way.
var errAppending = errors.New("an append is under way")

// doubtIdle forgets what is known of the end of a log that nobody appends to. It reports whether that was so.
func (l *shardLog) doubtIdle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.quiet() {
		return false
	}
	l.loaded, l.oldest, l.doubted = false, oldestUnknown, true
	return true
}

// trust ends the doubt, unless there is a new one.
func (l *shardLog) trust() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubted = l.doubted && !l.loaded
}
