package stream

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// StartType says how a Start names its place. The values are AWS's.
type StartType string

// The types of a start.
const (
	TrimHorizon         StartType = "TRIM_HORIZON"          // the oldest record kept
	Latest              StartType = "LATEST"                // just after the newest record
	AtTimestamp         StartType = "AT_TIMESTAMP"          // the first record that arrived at Timestamp or later
	AtSequenceNumber    StartType = "AT_SEQUENCE_NUMBER"    // the record of that number, or the first after it
	AfterSequenceNumber StartType = "AFTER_SEQUENCE_NUMBER" // the first record greater than that number
)

// Start is a place in a shard as clients name it.
type Start struct {
	Type           StartType
	SequenceNumber SequenceNumber // for AtSequenceNumber and AfterSequenceNumber
	Timestamp      time.Time      // for AtTimestamp
}

// Seek returns the cursor for a start. That of Latest is fixed at this moment: what is put later will be read.
//
// Errors: ErrGone, ErrStart, FutureTimestampError, and for a sequence number OtherShardError, ErrOtherStream and
// ErrAncientSequenceNumber.
func (s *Service) Seek(ctx context.Context, key ShardKey, start Start) (Position, error) {
	st, l, err := s.readable(key)
	if err != nil {
		return 0, err
	}
	switch start.Type {
	case TrimHorizon:
		return 0, nil
	case Latest:
		tip, _, err := l.state(ctx, s.store)
		return tip, err
	case AtTimestamp:
		now := s.clock.Now()
		if start.Timestamp.After(now) {
			return 0, &FutureTimestampError{Timestamp: start.Timestamp, Now: now}
		}
		if !start.Timestamp.After(st.horizon(now)) {
			return 0, nil
		}
		return s.seekTime(ctx, l, ceilMicro(start.Timestamp))
	case AtSequenceNumber, AfterSequenceNumber:
		return s.seekNumber(ctx, l, start)
	}
	return 0, fmt.Errorf("%w: type %q", ErrStart, start.Type)
}

// ceilMicro returns microseconds since 1970, rounded up: records of an earlier microsecond arrived before t.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}

// seekNumber returns the cursor for a sequence number. It may be the shard's own start or end, or one that was never
// given out: reading then begins with the first record that is greater.
func (s *Service) seekNumber(ctx context.Context, l *shardLog, start Start) (Position, error) {
	n := start.SequenceNumber
	if n.IsZero() {
		return 0, fmt.Errorf("%w: no sequence number", ErrStart)
	}
	if err := l.shard.Owns(n); err != nil {
		return 0, err
	}
	o := n.Origin()
	// The position decides, unless there is a record just there: then the rest of the number has its say too.
	tip, _, err := l.state(ctx, s.store)
	if err != nil {
		return 0, err
	}
	there := collector{cursor: o.Position.before(), records: 1}
	if o.Position > 0 {
		if err := s.collect(ctx, l, tip, &there); err != nil {
			return 0, err
		}
	}
	if len(there.found) == 1 && there.found[0].Position == o.Position {
		order := n.Compare(l.shard.SequenceNumber(o.Position, there.found[0].Arrival))
		if order < 0 || order == 0 && start.Type == AtSequenceNumber {
			return o.Position.before(), nil
		}
	}
	return o.Position, nil
}

// Owns returns nil when the number can be one of the shard's, given out or not. Otherwise it is an OtherShardError,
// ErrAncientSequenceNumber or ErrOtherStream, judged in this order as AWS does.
func (s Shard) Owns(n SequenceNumber) error {
	o := n.Origin()
	switch {
	case int64(o.Shard) != int64(s.Index):
		return &OtherShardError{Encoded: o.Shard, Shard: s.Index}
	case o.Version == 0:
		return ErrAncientSequenceNumber
	case o.Version != sequenceVersion || o.Creation != s.Created.Unix():
		return ErrOtherStream
	}
	return nil
}

// seekTime returns the cursor before the first record that arrived at t (in microseconds) or later; the tip when there
// is none.
func (s *Service) seekTime(ctx context.Context, l *shardLog, t int64) (Position, error) {
	tip, _, err := l.state(ctx, s.store)
	if err != nil {
		return 0, err
	}
	ordinal, err := s.search(ctx, l.key, 1, tip.ordinal(), t)
	if err != nil || ordinal == 0 {
		return tip, err
	}
	for stored, err := range s.store.ReadBlocks(ctx, l.key.log(), ordinal) {
		if err != nil {
			return 0, err
		}
		b, err := decodeBlock(stored.Ordinal, bytes.Clone(stored.Data), l.cipher.Load())
		if err != nil {
			return 0, blockError(l.key, stored.Ordinal, err)
		}
		return positionAt(b.ordinal, b.since(t)).before(), nil
	}
	return tip, nil // trimmed at this very moment
}

// search returns the ordinal of the first stored block, of those from one ordinal to another, whose last record
// arrived at t or later; 0 when there is none. It is a binary search over the ordinals, which may have gaps.
func (s *Service) search(ctx context.Context, key ShardKey, from, to uint64, t int64) (uint64, error) {
	bounds, err := s.store.Bounds(ctx, key.log())
	if err != nil {
		return 0, err
	}
	from, found := max(from, bounds.First), uint64(0)
	for from <= to {
		middle := from + (to-from)/2
		ordinal, last, err := s.firstBlock(ctx, key, middle)
		switch {
		case err != nil:
			return 0, err
		case ordinal == 0 || ordinal > to: // a gap up to the end
			to = middle - 1
		case last < t:
			from = ordinal + 1
		default:
			found, to = ordinal, middle-1
		}
	}
	return found, nil
}

// firstBlock returns the ordinal of the first stored block from the given one on and when its last record arrived; 0
// when there is none.
func (s *Service) firstBlock(ctx context.Context, key ShardKey, from uint64) (ordinal uint64, last int64, err error) {
	for stored, err := range s.store.ReadBlocks(ctx, key.log(), from) {
		if err != nil {
			return 0, 0, err
		}
		h, err := decodeHeader(stored.Data)
		if err != nil {
			return 0, 0, blockError(key, stored.Ordinal, err)
		}
		return stored.Ordinal, h.last, nil
	}
	return 0, 0, nil
}
