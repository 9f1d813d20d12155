package mapping

import (
	"context"

	"github.com/google/uuid"

	"github.com/millrace/millrace/mapping/history"
)

// sendTries is how often an on-failure document is sent before it is dropped.
const sendTries = 3

// giveUp tells the destination of the first records of a batch, and settles them whatever becomes of the message. In the
// same commit they are kept for those who want to see them, or to try them again.
func (l *lane) giveUp(grace context.Context, b *batch, a action, last *response) error {
	d, err := l.tell(grace, b, a.n, a.why, last)
	if err != nil {
		return err
	}
	kept, err := l.shelve(grace, b, a.n, &d)
	if err != nil {
		return err
	}
	err = l.settle(grace, b, a.n, l.open, kept...)
	if l.shelved(grace, b, d, err); err != nil {
		return err
	}
	stats := &l.r.rd.e.stats
	if a.why == retentionPassed {
		stats.expired.Add(uint64(a.n))
		return nil
	}
	stats.discarded.Add(uint64(a.n))
	l.r.counts.discarded.Add(uint64(a.n))
	return nil
}

// giveUpWindow does the same for the final invocation of a window, which has no records but a state.
func (l *lane) giveUpWindow(grace context.Context, b *batch, a action, last *response) error {
	d, err := l.tell(grace, b, 0, a.why, last)
	if err != nil {
		return err
	}
	kept, err := l.shelve(grace, b, 0, &d)
	if err != nil {
		return err
	}
	err = l.forget(grace, kept...)
	if l.shelved(grace, b, d, err); err == nil {
		b.trail.End(l.r.s.config.Clock.Now())
	}
	return err
}

// tell sends the document that the first n records of a batch are given up, of which a final one has none, and returns
// what is to be remembered of that. Nobody is told of what the stream's retention has ended.
func (l *lane) tell(grace context.Context, b *batch, n int, why condition, last *response) (history.Discard, error) {
	told := history.Discard{Condition: string(why), At: l.r.s.config.Clock.Now(), Records: n, RequestID: b.requestID, InvokeCount: b.attempts}
	told.First, told.Last = l.ends(b.records[:n])
	if why == retentionPassed {
		told.Condition = history.RetentionPassed
		return told, nil
	}
	l.r.s.config.Log.Info("records given up", "mapping", l.r.rd.e.uuid, "shard", l.r.id, "records", n, "condition", why)
	if told.InvokeCount = max(1, b.attempts); told.RequestID == "" {
		told.RequestID = uuid.NewString()
	}
	target := l.r.terms.row.Settings.OnFailure
	if target == "" {
		l.r.count(DroppedEvents, n)
		return told, nil
	}
	d := document{
		RequestID:   told.RequestID,
		FunctionARN: l.r.terms.row.FunctionARN,
		Condition:   why,
		InvokeCount: told.InvokeCount,
		Time:        told.At,
		Shard:       l.r.shard,
		SourceARN:   l.r.terms.row.SourceARN,
		Records:     b.records[:n],
		Window:      b.window,
	}
	if !b.final {
		d.Window = l.windowFor(&b.records[0])
	}
	if why == retriesExhausted {
		d.Response = last
	}
	if isBucket(target) {
		d.Event = l.r.form.whole(d.Records, l.lookUpRole(grace), l.r.form.windowTail(d.Window, b.final))
	}
	var err error
	told.Delivery, err = l.send(grace, b, target, &d)
	return told, err
}

// send delivers a document, or drops it after some tries. Only the end of grace keeps it from either.
func (l *lane) send(grace context.Context, b *batch, target string, d *document) (*history.Delivery, error) {
	row, told := &l.r.terms.row, &history.Delivery{Destination: target}
	message := Notice{Account: row.Account, Region: row.Region, Role: l.lookUpRole(grace), Body: d.append(nil)}
	if isBucket(target) {
		message.Key = objectKey(row.UUID, d)
	}
	waits := doing{what: history.WaitDestination, batch: b.trail.ID()}
	l.does(waits)
	defer l.doing.Store(nil)
	var err error
	for told.Tries = 1; ; told.Tries++ {
		if err = l.r.s.maySend(grace, l.r.terms.function, target); err == nil {
			err = l.r.s.config.Destination.Send(grace, target, message)
		}
		if err == nil {
			l.r.rd.e.stats.documents.Add(1)
			l.r.count(DeliveredEvents, len(d.Records))
			told.Delivered = true
			return told, nil
		}
		told.Problem = err.Error()
		if told.Tries == sendTries {
			break
		}
		rest := l.r.retry.delay(told.Tries)
		waits.until = l.r.s.config.Clock.Now().Add(rest)
		l.does(waits)
		l.r.s.sleep(grace, rest, nil)
		if grace.Err() != nil {
			return nil, errStopped
		}
	}
	if grace.Err() != nil {
		return nil, errStopped
	}
	l.r.rd.e.stats.documentFailures.Add(1)
	l.r.terms.samples.Record(DestinationDeliveryFailures, 1)
	l.r.count(DroppedEvents, len(d.Records))
	// The log keeps what the document says, not the records: they may be megabytes.
	d.Event = nil
	l.r.s.config.Log.Error("on-failure document dropped", "mapping", l.r.rd.e.uuid, "destination", target, "error", err,
		"document", string(d.append(nil)))
	return told, nil
}
