package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// call is one put on its way.
type call struct {
	entries []Entry
	hashes  []Hash
	results []Put
	news    chan news
	// moved are the entries whose shard has been closed, or is being closed while settle is not nil: they are for its
	// children.
	moved  []int
	settle chan struct{} // closed when it is known
}

// move notes that entries cannot be queued where they were to go.
func (c *call) move(indexes []int, settle chan struct{}) {
	c.moved = append(c.moved, indexes...)
	if settle != nil {
		c.settle = settle
	}
}

// Put stores the entries, each in the open shard that its hash key belongs to, and returns when every one is durable
// or has failed. The result has an element for each entry, in order. The entries of one shard are neighbours there, in
// the order of the call.
//
// Errors of the whole call: NotFoundError, RecordSizeError, PutSizeError, ErrPut, and the context's when it ends:
// entries that still waited have then been withdrawn, others may have been stored.
func (s *Service) Put(ctx context.Context, name Name, entries []Entry) ([]Put, error) {
	began := s.clock.Now()
	puts, err := s.put(ctx, name, entries)
	if l, ok := s.find(name); ok && err == nil {
		l.recordPuts(l.recordIncoming(entries, puts), s.clock.Since(began))
	}
	return puts, err
}

// PutOne is Put for one entry, which is measured as a PutRecord.
func (s *Service) PutOne(ctx context.Context, name Name, entry Entry) (Put, error) {
	began, entries := s.clock.Now(), []Entry{entry}
	puts, err := s.put(ctx, name, entries)
	if err != nil {
		return Put{}, err
	}
	if l, ok := s.find(name); ok {
		l.recordPut(l.recordIncoming(entries, puts), s.clock.Since(began))
	}
	return puts[0], nil
}

func (s *Service) put(ctx context.Context, name Name, entries []Entry) ([]Put, error) {
	st, routes, err := s.writable(name)
	if err != nil {
		return nil, err
	}
	if err := checkSizes(entries, st.MaxRecordBytes); err != nil {
		return nil, fmt.Errorf("put to %s: %w", name, err)
	}
	c := newCall(entries)
	for len(c.moved) > 0 { // once, and once more for every time that the stream's shards change under way
		groups := c.split(routes)
		c.news = make(chan news, 2*len(groups)) // each is told at most that it leads and that it is done
		if err := s.appender.put(ctx, c, groups); err != nil {
			return nil, fmt.Errorf("put to %s: %w", name, err)
		}
		if err := c.settled(ctx); err != nil {
			return nil, fmt.Errorf("put to %s: %w", name, err)
		}
		if len(c.moved) > 0 {
			if _, routes, err = s.writable(name); err != nil {
				return nil, err
			}
		}
	}
	if slices.ContainsFunc(c.results, func(p Put) bool { return errors.Is(p.Err, ErrGone) }) {
		return nil, &NotFoundError{name}
	}
	return c.results, nil
}

// CheckPut returns the error that Put of these entries would begin with, or nil, and puts nothing.
//
// Errors: NotFoundError, RecordSizeError, PutSizeError, ErrPut.
func (s *Service) CheckPut(_ context.Context, name Name, entries []Entry) error {
	st, _, err := s.writable(name)
	if err != nil {
		return err
	}
	return checkSizes(entries, st.MaxRecordBytes)
}

func checkSizes(entries []Entry, limit int) error {
	if len(entries) == 0 || len(entries) > MaxPutEntries {
		return ErrPut
	}
	total := 0
	for i := range entries {
		size := entries[i].size()
		if size > limit {
			return &RecordSizeError{Entry: i, Limit: limit}
		}
		total += size
	}
	if total > MaxPutBytes {
		return &PutSizeError{Limit: MaxPutBytes}
	}
	return nil
}

// newCall returns a call of which no entry has found a shard yet.
func newCall(entries []Entry) *call {
	c := &call{
		entries: entries, hashes: make([]Hash, len(entries)), results: make([]Put, len(entries)), moved: make([]int, len(entries)),
	}
	for i := range entries {
		c.hashes[i], c.moved[i] = entries[i].hash(), i
	}
	return c
}

// settled waits until the shards that could not be put to are closed, or turn out not to be.
func (c *call) settled(ctx context.Context) error {
	if c.settle == nil {
		return nil
	}
	select {
	case <-c.settle:
		c.settle = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// split works out the shard of every entry that has none and returns a group for each shard that is concerned.
func (c *call) split(routes []route) []*group {
	var groups []*group
	entries := c.moved
	slices.Sort(entries) // those of two shards may now be for one
	c.moved = nil
	for _, i := range entries {
		l := routeTo(routes, c.hashes[i])
		at := slices.IndexFunc(groups, func(g *group) bool { return g.log == l })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &group{call: c, log: l})
		}
		groups[at].indexes = append(groups[at].indexes, i)
	}
	return groups
}

// route says which log takes the hash keys up to end.
type route struct {
	end Hash
	log *shardLog
}

// routeTo returns the log that takes the hash key: that of the first route, in order of their ends, that reaches it.
func routeTo(routes []route, h Hash) *shardLog {
	i, _ := slices.BinarySearchFunc(routes, h, func(r route, h Hash) int { return r.end.Compare(h) })
	return routes[i].log
}

// put queues the groups, leads where it is this call's turn, and returns when all are done. The appends that a call
// leads at several shards go on at the same time, so that they share syncs.
func (a *appender) put(ctx context.Context, c *call, groups []*group) error {
	pending := 0
	for _, g := range groups {
		if a.enqueue(g) {
			pending++
		}
	}
	var leading sync.WaitGroup
	defer leading.Wait()
	ended, withdrawn := ctx.Done(), false
	for pending > 0 {
		select {
		case n := <-c.news:
			switch {
			case n.done:
				pending--
			case pending == 1:
				a.lead(ctx, n.group.log)
			default:
				leading.Go(func() { a.lead(ctx, n.group.log) })
			}
		case <-ended:
			ended = nil
			for _, g := range groups {
				if len(g.indexes) > 0 && g.withdraw() {
					pending--
					withdrawn = true
				}
			}
		}
	}
	if withdrawn {
		return ctx.Err()
	}
	return nil
}

// CheckOrdering judges a number that a client gives to have its record ordered after it: ErrInvalidSequenceNumber when
// it does not parse or lies in the future. Any other needs no care, for a shard's numbers only rise.
func (s *Service) CheckOrdering(number string) error {
	n, err := ParseSequenceNumber(number)
	if err != nil {
		return err
	}
	latest := s.clock.Now()
	if o := n.Origin(); o.Time == o.Creation {
		latest = latest.Add(reshapeLead) // the first records of a shard that came out of another are dated ahead with it
	}
	if n.Origin().Time > latest.Unix() {
		return ErrInvalidSequenceNumber
	}
	return nil
}
