package mapping

import (
	"context"
	"errors"
	"time"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// ErrNotKept says that a batch is not remembered, or never was.
var ErrNotKept = errors.New("batch is not kept")

// Batches returns the trails of a mapping's recent batches, the latest first, and whether there are more; or ErrNotFound.
// The mapping may be of any account.
func (s *Service) Batches(uuid string, q history.Query) ([]history.Batch, bool, error) {
	e, err := s.entry(uuid)
	if err != nil {
		return nil, false, err
	}
	found, more := e.log.List(q)
	return found, more, nil
}

// Batch returns the trail of one recent batch, ErrNotFound or ErrNotKept.
func (s *Service) Batch(uuid string, id history.ID) (history.Batch, error) {
	e, err := s.entry(uuid)
	if err != nil {
		return history.Batch{}, err
	}
	b, ok := e.log.Get(id)
	if !ok {
		return b, ErrNotKept
	}
	return b, nil
}

// Discarded returns a mapping's discarded batches with lower ids than before (0 for all), the latest first and at most
// limit, and whether there are more; or ErrNotFound.
func (s *Service) Discarded(ctx context.Context, uuid string, before history.ID, limit int) ([]history.Discarded, bool, error) {
	e, err := s.entry(uuid)
	if err != nil {
		return nil, false, err
	}
	return e.shelf.List(ctx, before, limit)
}

// DiscardedRecords returns one discarded batch with records of it from the given one on, at most limit, and the state of
// the window if its final invocation was given up. The errors are ErrNotFound, ErrNotKept and those of the store.
func (s *Service) DiscardedRecords(ctx context.Context, uuid string, id history.ID, from, limit int) (history.Discarded, []history.Record, []byte, error) {
	e, err := s.entry(uuid)
	if err != nil {
		return history.Discarded{}, nil, nil, err
	}
	d, err := e.shelf.Get(ctx, id)
	var records []history.Record
	var state []byte
	if err == nil {
		records, state, err = e.shelf.Records(ctx, &d, from, limit)
	}
	if errors.Is(err, store.ErrNotFound) { // also when it has made room meanwhile
		err = ErrNotKept
	}
	return d, records, state, err
}

// entry returns the entry of a mapping of any account that clients can see.
func (s *Service) entry(uuid string) (*entry, error) {
	s.mu.RLock()
	e := s.entries[uuid]
	s.mu.RUnlock()
	if e == nil || !s.isThere(uuid) {
		return nil, ErrNotFound
	}
	return e, nil
}

// remember gives an entry what its history is kept in.
func (s *Service) remember(e *entry) {
	e.log = s.recorder.Log(e.uuid)
	e.shelf = history.NewShelf(s.config.Store, e.uuid, history.Limits{Batches: s.config.DiscardedBatches, Bytes: s.config.DiscardedBytes})
}

// record opens the trail of a batch that was gathered, or of the final one of a window.
func (l *lane) record(b *batch) {
	trail := history.Batch{ShardID: l.r.id, Lane: l.sector.Lane, Lanes: l.sector.Factor, Records: len(b.records), Gathered: l.r.s.config.Clock.Now()}
	trail.First, trail.Last = l.ends(b.records)
	b.trail = l.r.rd.e.log.Begin(trail)
}

// ends returns the sequence numbers of the first and of the last of some records.
func (l *lane) ends(records []stream.Record) (first, last stream.SequenceNumber) {
	if n := len(records); n > 0 {
		first = l.r.shard.SequenceNumber(records[0].Position, records[0].Arrival)
		last = l.r.shard.SequenceNumber(records[n-1].Position, records[n-1].Arrival)
	}
	return first, last
}

// try notes that an attempt begins.
func (l *lane) try(b *batch) {
	b.trail.Try(b.requestID, len(b.records), windowFact(b), l.r.s.config.Clock.Now())
	l.does(doing{what: history.WaitInvocation, batch: b.trail.ID()})
}

// windowFact says what window the batch's last attempt was part of.
func windowFact(b *batch) *history.Window {
	if b.window == nil {
		return nil
	}
	return &history.Window{
		Start: time.Unix(b.window.Start, 0).UTC(), End: b.window.end().UTC(), Final: b.final,
		TerminatedEarly: b.final && b.window.overflows(), StateBytes: len(b.window.State),
	}
}

// answered notes how an attempt has ended.
func (l *lane) answered(b *batch, ans answer) answer {
	b.trail.Answer(ans.report, l.r.s.config.Clock.Now())
	l.doing.Store(nil) // what is to be stored now is told of by the reader
	return ans
}

// resting says what a batch waits for after the attempt.
func (a *answer) resting() string {
	switch {
	case a.report.Outcome == history.AttemptThrottled:
		return history.WaitThrottle
	case a.outcome == refused:
		return history.WaitFunction
	}
	return history.WaitBackoff
}

// split cuts a batch in two, and tells whether that is for a failure or since one event cannot hold it.
func (l *lane) split(b *batch, n int, o outcome) (left, right batch) {
	left, right = b.split(n)
	why := "bisect"
	if o == overfull {
		why = "payload"
	}
	part := func(records []stream.Record) history.Part {
		first, last := l.ends(records)
		return history.Part{First: first, Last: last, Records: len(records)}
	}
	left.trail, right.trail = b.trail.Split(part(left.records), part(right.records), why, l.r.s.config.Clock.Now())
	return left, right
}

// leave closes the trails of batches that the lane had to leave.
func (l *lane) leave(batches []batch) {
	for i := range batches {
		batches[i].trail.Stop(l.r.s.config.Clock.Now())
	}
}
