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
	// ErrWarmThroughput says that more was asked than a stream can have.
	ErrWarmThroughput = errors.New("too much warm throughput")
)

// SetWarmThroughput sends an on-demand stream of an account with a commitment through UPDATING to being kept warm for
// so many MiB a second. No throughput limit applies to any stream, so that there is nothing to be prepared.
//
// It returns the throughput that the stream is kept warm for until then.
//
// Errors: NotFoundError, StateError, ErrNotOnDemand, ErrNotCommitted, ErrWarmThroughput.
func (s *Service) SetWarmThroughput(ctx context.Context, name Name, mibps int) (before int, err error) {
	err = s.beginUpdate(ctx, name, func(next *live) (change, error) {
		before = next.stream.WarmMiBps
		if err := s.admitWarm(ctx, name, next.stream.Mode, mibps); err != nil {
			return change{}, err
		}
		return change{WarmMiBps: &mibps}, nil
	})
	return before, err
}

// admitWarm judges whether a stream in that mode can be kept warm for so much.
func (s *Service) admitWarm(ctx context.Context, name Name, mode Mode, mibps int) error {
	if mode != ModeOnDemand {
		return ErrNotOnDemand
	}
	committed, err := s.Committed(ctx, name.Account, name.Region)
	switch {
	case err != nil:
		return err
	case !committed:
		return ErrNotCommitted
	case mibps > MaxWarmMiBps:
		return fmt.Errorf("%w: %d MiB/s", ErrWarmThroughput, mibps)
	}
	return nil
}
