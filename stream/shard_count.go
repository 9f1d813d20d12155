package stream

import (
	"context"
	"fmt"
)

// SplitShard splits an open shard in two; the second begins with the hash key at. It returns when the stream is UPDATING:
// Run closes the shard and opens its children.
//
// Errors, judged in this order: NotFoundError, StateError, ShardNotFoundError, OnDemandError, ShardLimitError,
// SplitRangeError, ClosedShardError.
func (s *Service) SplitShard(ctx context.Context, name Name, shard uint32, at Hash) error {
	return s.beginUpdate(ctx, name, func(next *live) (change, error) {
		shards, err := s.named(next.stream, shard)
		if err != nil {
			return change{}, err
		}
		sh := shards[0]
		if err := s.admitMore(&next.stream, 1, 2); err != nil {
			return change{}, err
		}
		if at.Compare(sh.Range.Start) <= 0 || at == sh.Range.Start.after() || at.Compare(sh.Range.End) >= 0 {
			return change{}, &SplitRangeError{Shard: sh, At: at}
		}
		if !sh.Open() {
			return change{}, &ClosedShardError{shard}
		}
		return change{Splits: []split{{Shard: shard, At: storedHash(at)}}}, nil
	})
}

// MergeShards merges two open shards, of which the second begins right after the end of the first. It returns when the
// stream is UPDATING: Run closes them and opens their child.
//
// Errors, judged in this order: NotFoundError, StateError, ShardNotFoundError, OnDemandError, ClosedShardError,
// NotAdjacentError.
func (s *Service) MergeShards(ctx context.Context, name Name, shard, adjacent uint32) error {
	return s.beginUpdate(ctx, name, func(next *live) (change, error) {
		shards, err := s.named(next.stream, shard, adjacent)
		if err != nil {
			return change{}, err
		}
		for _, sh := range shards {
			if !sh.Open() {
				return change{}, &ClosedShardError{sh.Index}
			}
		}
		if end := shards[0].Range.End; end == maxHash || end.after() != shards[1].Range.Start {
			return change{}, &NotAdjacentError{shard, adjacent}
		}
		if err := s.admitMore(&next.stream, -1, 1); err != nil {
			return change{}, err
		}
		return change{Merges: []merge{{Shard: shard, Adjacent: adjacent}}}, nil
	})
}

// UpdateShardCount changes how many shards are open, and returns how many are until then. It returns when the stream is
// UPDATING, or ACTIVE when it has so many already; Run does the rest.
//
// Errors, judged in this order: NotFoundError, StateError, OnDemandError, ShardCountError, RequestLimitError,
// ShardLimitError.
func (s *Service) UpdateShardCount(ctx context.Context, name Name, target int) (open int, err error) {
	err = s.beginUpdate(ctx, name, func(next *live) (change, error) {
		st := &next.stream
		if st.Mode == ModeOnDemand {
			return change{}, &OnDemandError{name}
		}
		open = st.OpenShards()
		if err := checkTarget(open, target); err != nil {
			return change{}, err
		}
		if open == target {
			return change{}, errUnchanged
		}
		if err := next.request(s, "UpdateShardCount", maxCountUpdates); err != nil {
			return change{}, err
		}
		listed := open - target // merged
		if target > open {
			listed = 2*open + 2*open - target // split, and merged again
		}
		if err := s.admitMore(st, target-open, listed); err != nil {
			return change{}, err
		}
		return change{ShardCount: target}, nil
	})
	return open, err
}

// checkTarget judges a shard count that a stream is to have.
func checkTarget(open, target int) error {
	e := &ShardCountError{Open: open, Target: target}
	switch {
	case target > 2*open:
		e.Reason = ErrTooManyShards
	case 2*target < open:
		e.Reason = ErrTooFewShards
	case target > maxTargetShards:
		e.Reason, e.Limit = ErrMostShards, maxTargetShards
	default:
		return nil
	}
	return e
}

// UpdateMode changes the mode, and with it the throughput that the stream is kept warm for: to warm, if that is not nil
// (see SetWarmThroughput), and else to none. The open shards stay. It returns when the stream is UPDATING; Run does the
// rest.
//
// Errors, judged in this order: ErrMode, NotFoundError, StateError, SameModeError, those of SetWarmThroughput,
// RequestLimitError, OnDemandLimitError.
func (s *Service) UpdateMode(ctx context.Context, name Name, mode Mode, warm *int) error {
	if mode != ModeProvisioned && mode != ModeOnDemand {
		return fmt.Errorf("%w: %q", ErrMode, mode)
	}
	return s.beginUpdate(ctx, name, func(next *live) (change, error) {
		if next.stream.Mode == mode {
			return change{}, &SameModeError{name, mode}
		}
		if warm == nil {
			warm = new(0)
		} else if err := s.admitWarm(ctx, name, mode, next.stream.OpenShards(), *warm); err != nil {
			return change{}, err
		}
		if err := next.request(s, "UpdateStreamMode", maxModeUpdates); err != nil {
			return change{}, err
		}
		if u := s.usage(name); mode == ModeOnDemand && u.onDemand >= maxOnDemand {
			return change{}, &OnDemandLimitError{Count: u.onDemand, Limit: maxOnDemand}
		}
		return change{Mode: mode, WarmMiBps: warm}, nil
	})
}

// named returns shards of a stream whose shards are changed by request. Whether they are there is judged first.
func (s *Service) named(st Stream, indexes ...uint32) ([]Shard, error) {
	st = st.kept(s.clock.Now())
	shards := make([]Shard, len(indexes))
	for i, index := range indexes {
		var ok bool
		if shards[i], ok = st.Shard(index); !ok {
			return nil, &ShardNotFoundError{st.Name, index}
		}
	}
	if st.Mode == ModeOnDemand {
		return nil, &OnDemandError{st.Name}
	}
	return shards, nil
}

// request counts a request of a kind that is limited per day.
func (l *live) request(s *Service, operation string, limit int) error {
	now := s.clock.Now()
	if l.requests.within(operation, requestPeriod, now) >= limit {
		return &RequestLimitError{Operation: operation, Name: l.stream.Name, Limit: limit}
	}
	l.requests = l.requests.with(operation, requestPeriod, now)
	return nil
}

// admitMore checks whether a stream may have so many more open shards, and its list may grow by so many.
func (s *Service) admitMore(st *Stream, open, listed int) error {
	if open > 0 {
		if err := s.admitShards(s.usage(st.Name), open); err != nil {
			return err
		}
	}
	if len(st.Shards)+listed > maxListedShards {
		return &ShardLimitError{Open: len(st.Shards), More: listed, Limit: maxListedShards}
	}
	return nil
}
