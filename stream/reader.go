package stream

import (
	"bytes"
	"context"
	"iter"
	"time"
)

// Batch is what one Read found.
type Batch struct {
	Records []Record
	// Next is the cursor to go on with.
	Next Position
	// MillisBehind is how long ago the batch's last record arrived, in milliseconds; 0 just when nothing comes after it.
	MillisBehind int64
	// End says that the shard is closed and Next is its end: nothing will ever come.
	End bool
}

// Read returns the records after the cursor that have not expired: at most maxRecords, and of at most maxBytes of
// payload and partition keys together, but always one if there is one. It does not wait. The batch's records are
// shared with other readers and must not be changed.
//
// ErrGone when the stream is no more; store.ErrCorrupt, with the block named, when what is stored cannot be trusted.
func (s *Service) Read(ctx context.Context, key ShardKey, after Position, maxRecords, maxBytes int) (Batch, error) {
	began := s.clock.Now()
	b, err := s.read(ctx, key, after, maxRecords, maxBytes)
	if l, ok := s.numbered(key.Stream); ok && err == nil {
		l.recordGet(key.Index, &b, began, s.clock.Now())
	}
	return b, err
}

func (s *Service) read(ctx context.Context, key ShardKey, after Position, maxRecords, maxBytes int) (Batch, error) {
	st, l, err := s.readable(key)
	if err != nil {
		return Batch{}, err
	}
	tip, closed, err := l.state(ctx, s.store)
	if err != nil {
		return Batch{}, err
	}
	now := s.clock.Now()
	c := collector{cursor: after, horizon: st.horizon(now), records: max(1, maxRecords), bytes: maxBytes}
	if err := s.collect(ctx, l, tip, &c); err != nil {
		return Batch{}, err
	}
	if !c.full {
		c.cursor = max(c.cursor, tip)
	}
	b := Batch{Records: c.found, Next: c.cursor, End: closed && c.cursor >= tip}
	if b.Next < tip && len(b.Records) > 0 {
		// A reader takes 0 for the tip, so that one who is not there is a millisecond behind at least.
		b.MillisBehind = max(1, now.Sub(b.Records[len(b.Records)-1].Arrival).Milliseconds())
	}
	return b, nil
}

// Wait returns nil when there is a record after the cursor, or when none can come any more since the shard is closed
// or its stream gone; Read then says which. It is woken by the append itself.
func (s *Service) Wait(ctx context.Context, key ShardKey, after Position) error {
	_, l, err := s.readable(key)
	if err != nil {
		return nil
	}
	if err := l.load(ctx, s.store); err != nil {
		return err
	}
	return l.wait(ctx, after)
}

// collector gathers records up to its limits.
type collector struct {
	cursor         Position // after what was taken
	horizon        time.Time
	records, bytes int // how much there is still room for
	found          []Record
	full           bool
}

// take takes the block's records after the cursor until it is full.
func (c *collector) take(b *block) {
	records := b.after(c.cursor)
	for len(records) > 0 && records[0].Arrival.Before(c.horizon) {
		records = records[1:]
	}
	n := 0
	for n < len(records) && n < c.records {
		size := records[n].size()
		if size > c.bytes && len(c.found)+n > 0 {
			break
		}
		c.bytes -= size
		n++
	}
	c.records -= n
	c.keep(records[:n:n])
	switch {
	case n == len(records):
		c.cursor = afterBlock(b.ordinal)
	case n > 0:
		c.cursor = records[n-1].Position
	}
	c.full = n < len(records) || c.records <= 0
}

// keep adds records to those that were found. The first ones are not copied: they are the block's, which does not change, and
// often all. When others follow, room is made for as many as there may come at the most.
func (c *collector) keep(records []Record) {
	if len(c.found) == 0 {
		c.found = records
		return
	}
	if n := len(c.found) + len(records); n > cap(c.found) {
		c.found = append(make([]Record, 0, max(n, min(2*n, n+c.records))), c.found...)
	}
	c.found = append(c.found, records...)
}

// collect hands the collector what comes after its cursor, from the tail if that reaches back so far.
func (s *Service) collect(ctx context.Context, l *shardLog, tip Position, c *collector) error {
	if c.cursor >= tip {
		return nil
	}
	if blocks, ok := s.tail.after(l.key, c.cursor, tip); ok {
		for _, b := range blocks {
			if c.take(b); c.full {
				break
			}
		}
		return nil
	}
	if b, ok := s.shelf.get(l.key, c.cursor.ordinal()); ok {
		if c.take(b); c.full || c.cursor >= tip {
			return nil
		}
	}
	for b, err := range s.scan(ctx, l, c.cursor, tip, c.horizon) {
		if err != nil {
			return err
		}
		if c.take(b); c.full {
			if c.cursor < b.end() {
				s.shelf.put(l.key, b)
			}
			break
		}
	}
	return nil
}

// scan yields the stored blocks that may hold records after the cursor, up to tip. Those that expired as a whole are
// left out.
func (s *Service) scan(ctx context.Context, l *shardLog, cursor, tip Position, horizon time.Time) iter.Seq2[*block, error] {
	return func(yield func(*block, error) bool) {
		for stored, err := range s.store.ReadBlocks(ctx, l.key.log(), (cursor + 1).ordinal()) {
			if err != nil {
				yield(nil, err)
				return
			}
			if stored.Ordinal > tip.ordinal() {
				return
			}
			h, err := decodeHeader(stored.Data)
			if err == nil && h.last < horizon.UnixMicro() {
				s.scanKept(ctx, l, stored.Ordinal, tip, horizon, yield)
				return
			}
			var b *block
			if err == nil {
				b, err = decodeBlock(stored.Ordinal, bytes.Clone(stored.Data), l.cipher.Load())
			}
			if err != nil {
				err = blockError(l.key, stored.Ordinal, err)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// scanKept goes on with a scan that met an expired block. Much may have expired since the last sweep, so it looks for
// the first block that has not instead of reading through all that have.
func (s *Service) scanKept(ctx context.Context, l *shardLog, expired uint64, tip Position, horizon time.Time, yield func(*block, error) bool) {
	first, err := s.search(ctx, l.key, expired+1, tip.ordinal(), horizon.UnixMicro())
	if err != nil {
		yield(nil, err)
		return
	}
	if first != 0 {
		s.scan(ctx, l, afterBlock(first-1), tip, time.Time{})(yield)
	}
}
