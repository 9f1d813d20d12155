package stream

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// throughput keeps a shard within AWS's limits, those of its consumers apart. A nil one limits nothing. It is some words,
// and holds no timer.
type throughput struct {
	mu        sync.Mutex
	in        inflow
	out       outflow
	reads     calls
	iterators calls
}

// admit reports whether a record of the size may be put.
func (t *throughput) admit(size int, now time.Time) bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.in.take(size, now.UnixNano())
}

// read reports whether there may be a call of GetRecords, and counts it.
func (t *throughput) read(now time.Time) bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.wait(now.UnixNano()) == 0 && t.reads.take(shardReads, now.UnixNano())
}

// gave notes what a call of GetRecords has read.
func (t *throughput) gave(records []Record, now time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out.give(sizeOf(records), now.UnixNano())
}

// seek reports whether there may be a call of GetShardIterator, and counts it.
func (t *throughput) seek(now time.Time) bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.iterators.take(shardIterators, now.UnixNano())
}

// sizeOf returns what records count for together, in bytes.
func sizeOf(records []Record) (size int) {
	for i := range records {
		size += records[i].size()
	}
	return size
}

// ReadLimited is Read within the limits of the shard that all its iterators share, if Config.ShardLimits says that there
// are any: it counts as a call of GetRecords, and what it finds as read.
//
// Errors: those of Read, and ReadRateError.
func (s *Service) ReadLimited(ctx context.Context, key ShardKey, after Position, maxRecords, maxBytes int) (Batch, error) {
	st, l, err := s.readable(key)
	if err != nil {
		return Batch{}, err
	}
	if !l.limits.read(s.clock.Now()) {
		s.recordLimited(key)
		return Batch{}, &ReadRateError{st.Name, key.Index}
	}
	b, err := s.Read(ctx, key, after, maxRecords, maxBytes)
	l.limits.gave(b.Records, s.clock.Now())
	return b, err
}

// ReadRateError says that a shard is read, or iterators for it are asked for, more than its limits allow for.
type ReadRateError struct {
	Name  Name
	Shard uint32
}

func (e *ReadRateError) Error() string {
	return fmt.Sprintf("%s of stream %s is read too much or too often", ShardID(e.Shard), e.Name)
}
