package mapping

import (
	"context"

	"github.com/google/uuid"
)

// sendTries is how often an on-failure document is sent before it is dropped.
const sendTries = 3

// giveUp tells the destination of the first records of a batch, and settles them whatever becomes of the message.
func (l *lane) giveUp(grace context.Context, b *batch, a action, last *response) error {
	stats := &l.r.rd.e.stats
	if err := l.tell(grace, b, a.n, a.why, last); err != nil {
		return err
	}
	if err := l.settle(grace, b, a.n, l.open); err != nil {
		return err
	}
	if a.why == retentionPassed {
		stats.expired.Add(uint64(a.n))
		return nil
	}
	stats.discarded.Add(uint64(a.n))
	l.r.counts.discarded.Add(uint64(a.n))
	return nil
}

// tell sends the document that the first n records of a batch are given up, of which a final one has none. Nobody is
// told of what the stream's retention has ended.
func (l *lane) tell(grace context.Context, b *batch, n int, why condition, last *response) error {
	if why == retentionPassed {
		return nil
	}
	l.r.s.config.Log.Info("records given up", "mapping", l.r.rd.e.uuid, "shard", l.r.shard.ID(), "records", n, "condition", why)
	target := l.r.rd.row.Settings.OnFailure
	if target == "" {
		l.r.rd.count(DroppedEvents, n)
		return nil
	}
	d := document{
		RequestID:   b.requestID,
		FunctionARN: l.r.rd.row.FunctionARN,
		Condition:   why,
		InvokeCount: max(1, b.attempts),
		Time:        l.r.s.config.Clock.Now(),
		Shard:       l.r.shard,
		SourceARN:   l.r.rd.row.SourceARN,
		Records:     b.records[:n],
		Window:      b.window,
	}
	if !b.final {
		d.Window = l.windowFor(&b.records[0])
	}
	if d.RequestID == "" {
		d.RequestID = uuid.NewString()
	}
	if why == retriesExhausted {
		d.Response = last
	}
	if isBucket(target) {
		d.Event = l.r.form.whole(d.Records, l.lookUpRole(grace), l.r.form.windowTail(d.Window, b.final))
	}
	return l.send(grace, target, &d)
}

// send delivers a document, or drops it after some tries. Only the end of grace keeps it from either.
func (l *lane) send(grace context.Context, target string, d *document) error {
	row := &l.r.rd.row
	message := Notice{Account: row.Account, Region: row.Region, Body: d.append(nil)}
	if isBucket(target) {
		message.Key = objectKey(row.UUID, d)
	}
	var err error
	for n := 1; n <= sendTries; n++ {
		if err = l.r.s.config.Destination.Send(grace, target, message); err == nil {
			l.r.rd.e.stats.documents.Add(1)
			l.r.rd.count(DeliveredEvents, len(d.Records))
			return nil
		}
		if n < sendTries {
			l.r.s.sleep(grace, l.r.retry.delay(n), nil)
		}
		if grace.Err() != nil {
			return errStopped
		}
	}
	l.r.rd.e.stats.documentFailures.Add(1)
	l.r.rd.samples.Record(DestinationDeliveryFailures, 1)
	l.r.rd.count(DroppedEvents, len(d.Records))
	// The log keeps what the document says, not the records: they may be megabytes.
	d.Event = nil
	l.r.s.config.Log.Error("on-failure document dropped", "mapping", l.r.rd.e.uuid, "destination", target, "error", err,
		"document", string(d.append(nil)))
	return nil
}
