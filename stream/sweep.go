package stream

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sweepEvery is how often expired blocks are looked for. Readers never see an expired record, however late its block
// goes: the sweep only gives space back.
const sweepEvery = time.Minute

// runRetention sweeps again and again.
func (s *Service) runRetention(ctx context.Context) {
	for {
		s.sweep(ctx)
		timer := s.clock.NewTimer(sweepEvery)
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// sweep drops the blocks of all shards of which every record has expired, and forgets the closed shards that have none
// left.
func (s *Service) sweep(ctx context.Context) {
	for _, l := range s.usable() {
		err := s.sweepStream(ctx, l)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Error("expired records cannot be dropped; will try again", "stream", l.stream.Name.Name, "error", err)
		}
	}
}

func (s *Service) sweepStream(ctx context.Context, l *live) error {
	var failed error
	for _, log := range l.logs {
		if err := s.trim(ctx, log, l.stream.horizon(s.clock.Now()).UnixMicro()); err != nil {
			failed = fmt.Errorf("%s: %w", log.shard.ID(), err) // the others are swept all the same
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failed != nil || len(l.stream.kept(s.clock.Now()).Shards) == len(l.stream.Shards) {
		return failed
	}
	err := s.forgetShards(ctx, l)
	if errors.As(err, new(*NotFoundError)) {
		return nil // deleted meanwhile
	}
	return err
}

// forgetShards removes closed shards of which every record has expired from the stream, whose list would grow for ever.
func (s *Service) forgetShards(ctx context.Context, l *live) error {
	return s.edit(ctx, l.stream.Name, func(next *live) error {
		if next.stream.Number != l.stream.Number || !next.stream.Status.usable() {
			return errUnchanged
		}
		before := *next
		next.stream = before.stream.kept(s.clock.Now())
		next.stream.closed = next.stream.OpenShards() < len(next.stream.Shards)
		next.open(&before, false)
		return nil
	})
}

// usable returns the streams that have records to look at.
func (s *Service) usable() []*live {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*live
	for _, l := range s.byNumber {
		if l.stream.Status.usable() {
			found = append(found, l)
		}
	}
	return found
}

// trim drops the log's blocks whose last record arrived before the horizon (in microseconds). The age of the oldest
// block is remembered, so that a shard with nothing to drop costs a comparison.
func (s *Service) trim(ctx context.Context, l *shardLog, horizon int64) error {
	oldest, tip := l.age()
	if oldest == oldestUnknown {
		ordinal, last, err := s.firstBlock(ctx, l.key, 0)
		if err != nil {
			return err
		}
		if ordinal == 0 {
			last = oldestNone
		}
		l.remember(oldest, last, tip)
		oldest = last
	}
	if oldest == oldestNone || oldest >= horizon {
		return nil
	}
	tip, _, err := l.state(ctx, s.store)
	if err != nil {
		return err
	}
	first, err := s.search(ctx, l.key, 1, tip.ordinal(), horizon)
	if err != nil {
		return err
	}
	left := int64(oldestNone)
	if first == 0 {
		first = tip.ordinal() + 1
	} else if _, left, err = s.firstBlock(ctx, l.key, first); err != nil {
		return err
	}
	if err := s.store.Trim(ctx, l.key.log(), first); err != nil {
		return err
	}
	s.tail.trim(l.key, first)
	l.remember(oldest, left, tip)
	return nil
}

// age returns the last arrival in the log's first block, as far as it is known, and the log's tip.
func (l *shardLog) age() (oldest int64, tip Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.oldest, l.tip
}

// remember notes the last arrival in the log's first block. If the log grew meanwhile, an empty one is no longer
// known to be empty.
func (l *shardLog) remember(before, oldest int64, tip Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.oldest != before {
		return
	}
	if oldest == oldestNone && l.tip != tip {
		oldest = oldestUnknown
	}
	l.oldest = oldest
}
