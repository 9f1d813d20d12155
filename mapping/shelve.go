package mapping

import (
	"context"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// shelve returns the writes that keep the first n records of a batch, which are given up, to be made with the checkpoint
// that passes them. The batch goes on without being kept if that proves impossible.
func (l *lane) shelve(grace context.Context, b *batch, n int, d *history.Discard) ([]store.Write, error) {
	shelf := l.r.rd.e.shelf
	if !shelf.Keeps() {
		return nil, nil
	}
	kept := history.Discarded{
		Batch: b.trail.ID(), ShardID: l.r.id, Lane: l.sector.Lane, Lanes: l.sector.Factor,
		Condition: d.Condition, At: d.At, RequestID: d.RequestID, InvokeCount: d.InvokeCount, Delivery: d.Delivery,
		First: d.First, Last: d.Last, Records: d.Records, Window: windowFact(b),
	}
	kept.Attempts, kept.AttemptsOmitted = b.trail.Attempts()
	records := l.keepable(b.records[:n], len(kept.Attempts)+kept.AttemptsOmitted)
	var state []byte
	if b.final {
		state = b.window.State
	}
	var err error
	for try := 1; try <= sendTries; try++ {
		var writes []store.Write
		if writes, err = shelf.Place(grace, &kept, records, state); err == nil {
			d.Kept = kept.ID
			return writes, nil
		}
		l.r.s.sleep(grace, l.r.retry.delay(try), nil)
		if grace.Err() != nil {
			return nil, errStopped
		}
	}
	l.r.s.config.Log.Error("discarded records are not kept", "mapping", l.r.rd.e.uuid, "shard", l.r.id, "records", n, "error", err)
	return nil, nil
}

// keepable returns records in the form in which they are kept.
func (l *lane) keepable(records []stream.Record, attempts int) []history.Record {
	kept := make([]history.Record, len(records))
	for i := range records {
		r := &records[i]
		kept[i] = history.Record{
			SequenceNumber: l.r.shard.SequenceNumber(r.Position, r.Arrival), PartitionKey: r.PartitionKey, HashKey: r.Hash.String(),
			Arrival: r.Arrival, Attempts: attempts, Data: r.Data,
		}
	}
	return kept
}

// shelved is called when what shelve has returned was committed, with nil, or will not be.
func (l *lane) shelved(grace context.Context, b *batch, d history.Discard, err error) {
	shelf := l.r.rd.e.shelf
	if err != nil {
		shelf.Forget()
		return
	}
	b.trail.Discard(d)
	if d.Kept == 0 {
		return
	}
	if over := shelf.Settle(d.Kept); len(over) > 0 && l.r.persist(grace, over...) != nil {
		shelf.Forget()
	}
}
