package stream

import (
	"context"
	"errors"
	"fmt"
)

// MaxWarmMiBps is the most throughput that a stream can be kept warm for, in MiB a second.
const MaxWarmMiBps = 10 << 10

var (
	// ErrNotOnDemand says that a stream is not in the mode ON_DEMAND, which it must be for what was asked.
	ErrNotOnDemand = errors.New("stream is not on demand")
	// ErrNotCommitted says that the account has no commitment, which it must have for what was asked.
	ErrNotCommitted = errors.New("account has no throughput commitment")
)

// WarmThroughputError says that more warm throughput was asked for than the stream can have, in MiB a second.
type WarmThroughputError struct{ Asked, Limit int }

func (e *WarmThroughputError) Error() string {
	return fmt.Sprintf("warm throughput of %d MiB/s, of at most %d", e.Asked, e.Limit)
}

// SetWarmThroughput sends an on-demand stream of an account with a commitment through UPDATING to being kept warm for
// so many MiB a second. Nothing is prepared for it: without Config.ShardLimits there is no limit, and with it no more can be
// asked for than the stream's open shards carry.
//
// It returns the throughput that the stream is kept warm for until then.
//
// Errors: NotFoundError, StateError, ErrNotOnDemand, ErrNotCommitted, WarmThroughputError.
func (s *Service) SetWarmThroughput(ctx context.Context, name Name, mibps int) (before int, err error) {
	err = s.beginUpdate(ctx, name, func(next *live) (change, error) {
		before = next.stream.WarmMiBps
		if err := s.admitWarm(ctx, name, next.stream.Mode, next.stream.OpenShards(), mibps); err != nil {
			return change{}, err
		}
		return change{WarmMiBps: &mibps}, nil
	})
	return before, err
}

// admitWarm judges whether a stream of that mode and so many open shards can be kept warm for so much.
func (s *Service) admitWarm(ctx context.Context, name Name, mode Mode, open, mibps int) error {
	if mode != ModeOnDemand {
		return ErrNotOnDemand
	}
	limit := MaxWarmMiBps
	if s.limited {
		limit = min(limit, open*(shardBytes>>20))
	}
	committed, err := s.Committed(ctx, name.Account, name.Region)
	switch {
	case err != nil:
		return err
	case !committed:
		return ErrNotCommitted
	case mibps > limit:
		return &WarmThroughputError{Asked: mibps, Limit: limit}
	}
	return nil
}
