package sim

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/stream"
)

// destination brings documents to the queue, as the server does, and watches what is given up.
type destination struct{ h *house }

// Check implements mapping.Destination.
func (d *destination) Check(context.Context, string) error { return nil }

// Send implements mapping.Destination.
func (d *destination) Send(ctx context.Context, _ string, n mapping.Notice) error {
	w := d.h.w
	if !w.givenUp(d.h, n.Body) {
		return errPower
	}
	sent, err := d.h.queues.Send(ctx, w.queue, queue.Message{Body: string(n.Body)})
	if err == nil {
		err = sent[0].Err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.h.down {
		return errPower
	}
	doc := w.documents[string(n.Body)]
	doc.tries++
	if err == nil {
		doc.sent = true
		doc.lost = false
	}
	return err
}

// document is a message that tells of records given up.
type document struct {
	Request struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	Batch struct {
		ShardID             string `json:"shardId"`
		StartSequenceNumber string `json:"startSequenceNumber"`
		EndSequenceNumber   string `json:"endSequenceNumber"`
		BatchSize           int    `json:"batchSize"`
	} `json:"KinesisBatchInfo"`
	Window *struct {
		Window *window `json:"window"`
	} `json:"timeWindowInfo"`

	epoch int
	tries int
	sent  bool // the queue has acknowledged it
	lost  bool // the queue was deleted afterwards
}

// givenUp notes that records are given up, and reports whether that still matters.
func (w *world) givenUp(h *house, body []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.down {
		return false
	}
	if w.documents[string(body)] != nil { // it is sent once more
		return true
	}
	doc := &document{epoch: w.epoch}
	w.documents[string(body)] = doc
	var l *link
	if json.Unmarshal(body, doc) == nil {
		if ref, err := function.ParseRef(doc.Request.FunctionARN, account, region); err == nil {
			l = w.linkOf(ref.Name.Name)
		}
	}
	if l == nil {
		w.breach("a document of nobody: %s", body)
		return true
	}
	if w.calls++; l.windowed && doc.Batch.StartSequenceNumber == "" {
		w.windowGivenUp(l, doc)
		w.judgeCondition(l, doc)
		return true
	}
	if w.ofGone(l, doc) {
		return true
	}
	records := w.recordsOf(l, doc)
	for _, r := range records {
		l.end(w, r, doc.Request.Condition, w.calls, records[0].key)
		w.discarded++
		if age := w.clock.Now().Sub(r.arrival); doc.Request.Condition == "RecordAgeExceeded" && age < l.youngest() {
			w.breach("%s: %s is too old at %s, of %s", l.name, r.label(), age, l.youngest())
		}
	}
	w.judgeCondition(l, doc)
	return true
}

// judgeCondition holds the reason that a document gives against what was seen.
func (w *world) judgeCondition(l *link, doc *document) {
	req := l.requests[doc.Request.RequestID]
	switch {
	case !l.givesUp:
		w.breach("%s gives up although it should not", l.name)
	case doc.Request.Condition != "RetryAttemptsExhausted":
	case req == nil:
		w.breach("%s gives up what it never tried", l.name)
	case !w.tried(l, req, doc.Request.ApproximateInvokeCount):
		w.breach("%s gives up after %d attempts, of which %d were seen", l.name, doc.Request.ApproximateInvokeCount, req.attempts)
	case !slices.ContainsFunc(l.settings, func(s mapping.Settings) bool {
		return s.MaximumRetryAttempts+1 == doc.Request.ApproximateInvokeCount
	}):
		w.breach("%s gives up after %d attempts", l.name, doc.Request.ApproximateInvokeCount)
	}
}

// tried reports whether a batch failed so many times: as it was last, or before as the end of a longer one, whose first records have
// become too old.
func (w *world) tried(l *link, req *request, times int) bool {
	if req.attempts == times {
		return true
	}
	for _, longer := range l.requests {
		front := len(longer.records) - len(req.records)
		if front > 0 && slices.Equal(longer.records[front:], req.records) && w.tooOld(l, longer.records[:front]) && w.tried(l, longer, times-req.attempts) {
			return true
		}
	}
	return false
}

// tooOld reports whether records were given up for their age, or have expired.
func (w *world) tooOld(l *link, records []*record) bool {
	return !slices.ContainsFunc(records, func(r *record) bool {
		e := l.endings[r]
		return (e == nil || e.how != "RecordAgeExceeded") && !w.expired(r)
	})
}

// recordsOf returns the records that a document tells of. It names the first and the last, and how many they are. Which
// those in between are is known from the last attempt, or else from the lane.
func (w *world) recordsOf(l *link, doc *document) (records []*record) {
	first, err1 := stream.ParseSequenceNumber(doc.Batch.StartSequenceNumber)
	last, err2 := stream.ParseSequenceNumber(doc.Batch.EndSequenceNumber)
	if err1 != nil || err2 != nil {
		w.breach("%s: a document from %q to %q", l.name, doc.Batch.StartSequenceNumber, doc.Batch.EndSequenceNumber)
		return nil
	}
	from, to := first.Origin().Position, last.Origin().Position
	between := func(all []*record) (some []*record) {
		for _, r := range all {
			if r.place.position >= from && r.place.position <= to && l.wants(r) != no {
				some = append(some, r)
			}
		}
		return some
	}
	if req := l.requests[doc.Request.RequestID]; req != nil {
		if records = between(req.records); len(records) != doc.Batch.BatchSize {
			w.breach("%s: a document tells of %d records, of which %d were tried", l.name, doc.Batch.BatchSize, len(records))
		}
		return records
	}
	all := between(w.shards[l.stream][uint32(first.Origin().Shard)])
	for _, factor := range slices.Backward(l.factors[w.epoch]) {
		if records = l.untried(all, factor, from, to); len(records) == doc.Batch.BatchSize {
			return records
		}
	}
	w.breach("%s: a document tells of %d records from %x to %x of shard %d, which are none of a lane", l.name, doc.Batch.BatchSize, uint64(from),
		uint64(to), first.Origin().Shard)
	return nil
}

// untried returns those of some records that their lane still had before it, or nil if it cannot have had the first and
// the last of them.
func (l *link) untried(all []*record, factor int, from, to stream.Position) (open []*record) {
	first := slices.IndexFunc(all, func(r *record) bool { return r.place.position == from })
	if first < 0 {
		return nil
	}
	lane, ends := laneOf(all[first].key, factor), map[stream.Position]bool{}
	for _, r := range all {
		if e := l.endings[r]; laneOf(r.key, factor) == lane && (e == nil || e.open) {
			open = append(open, r)
			ends[r.place.position] = true
		}
	}
	if !ends[from] || !ends[to] {
		return nil
	}
	return open
}
