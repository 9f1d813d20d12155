package stream

import (
	"sync"
	"time"
)

// seats say who of a consumer's readers has a shard: there is one subscription to each. They also keep what AWS's rules
// are about: when the last calls for a shard were, and when the last successful one. A seat is forgotten when its
// subscription ends and the rules have no more use for it, so there are never more than the stream has shards.
type seats struct {
	mu    sync.Mutex
	ended error // why there are no more subscriptions; nil while there are
	byKey map[uint32]*seat
}

type seat struct {
	calls [subscribeCalls]time.Time // the last ones, in a ring
	next  int                       // where the oldest of calls is
	taken time.Time                 // when the last successful call was
	sub   *Subscription             // nil when it has left
	pace  *pace                     // nil when there is none
}

// take gives the shard's seat to the subscription, and ends the one that had it before. With a dry run it only says
// whether it would.
//
// Errors: ConsumerNotFoundError or NotFoundError when the consumer is going, SubscribeRateError, SubscribedError.
func (s *seats) take(sub *Subscription, now time.Time, dry bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return s.ended
	}
	st := s.byKey[sub.Shard.Index]
	if st == nil {
		st = new(seat)
		if s.byKey == nil {
			s.byKey = make(map[uint32]*seat)
		}
		s.byKey[sub.Shard.Index] = st
	}
	if oldest := st.calls[st.next]; !oldest.IsZero() && now.Sub(oldest) < time.Second {
		return &SubscribeRateError{sub.Consumer, sub.Shard.Index}
	}
	st.calls[st.next] = now
	st.next = (st.next + 1) % len(st.calls)
	if !st.taken.IsZero() && now.Sub(st.taken) < SubscriptionRest {
		return &SubscribedError{sub.Consumer, sub.Shard.Index}
	}
	if dry {
		return nil
	}
	if st.sub != nil {
		st.sub.end(&SubscribedError{sub.Consumer, sub.Shard.Index})
	}
	if st.pace == nil && sub.s.limited {
		st.pace = new(pace)
	}
	st.sub, st.taken, sub.pace = sub, now, st.pace
	return nil
}

// leave gives the seat back, if the subscription still has it.
func (s *seats) leave(sub *Subscription, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.byKey[sub.Shard.Index]
	if st == nil || st.sub != sub {
		return
	}
	st.sub = nil
	if now.Sub(st.taken) >= SubscriptionRest && st.pace.full(now) {
		delete(s.byKey, sub.Shard.Index)
	}
}

// end ends all subscriptions, and lets none begin any more.
func (s *seats) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return
	}
	s.ended = err
	for _, st := range s.byKey {
		if st.sub != nil {
			st.sub.end(err)
		}
	}
	s.byKey = nil
}
