package history

import (
	"slices"
	"time"

	"github.com/millrace/millrace/stream"
)

// Trail takes what its lane has to say of one batch, as long as that is at work.
type Trail struct {
	log  *Log
	room [1]Attempt // what most batches need

	// Guarded by the recorder's mutex.
	batch Batch
	held  bool  // the trail is in the log
	size  int64 // as it is counted in the log; 0 while the batch is at work
	gone  bool  // records were given up that somebody is told of

	// earlier are the attempts of the batches that this one was cut from, and omitted is how many are missing among them.
	earlier []Attempt
	omitted int
}

// ID returns the batch's id.
func (t *Trail) ID() ID { return t.batch.ID }

// Try notes the beginning of an attempt, with the last n records of the batch, and the window it is part of.
func (t *Trail) Try(requestID string, n int, w *Window, now time.Time) {
	t.log.recorder.mu.Lock()
	defer t.log.recorder.mu.Unlock()
	t.batch.Attempts = add(t.batch.Attempts, &t.batch.AttemptsOmitted, Attempt{
		RequestID: requestID, Began: now, Records: n, Answer: Answer{Outcome: AttemptRunning},
	})
	t.batch.Window = w
}

// Answer notes how the attempt has ended.
func (t *Trail) Answer(a Answer, now time.Time) {
	t.log.recorder.mu.Lock()
	defer t.log.recorder.mu.Unlock()
	last := t.last()
	a.Problem, a.ErrorType = shorten(a.Problem), shorten(a.ErrorType)
	last.Answer = a
	last.DurationMS = float64(now.Sub(last.Began).Microseconds()) / 1000
}

// last returns the attempt that was begun last.
func (t *Trail) last() *Attempt { return &t.batch.Attempts[len(t.batch.Attempts)-1] }

// Wait notes that the batch rests after its last attempt.
func (t *Trail) Wait(w Wait) {
	t.log.recorder.mu.Lock()
	defer t.log.recorder.mu.Unlock()
	if len(t.batch.Attempts) > 0 {
		t.last().Wait = &w
	}
}

// Discard notes that records were given up.
func (t *Trail) Discard(d Discard) {
	t.log.recorder.mu.Lock()
	defer t.log.recorder.mu.Unlock()
	if d.Delivery != nil {
		d.Delivery.Problem = shorten(d.Delivery.Problem)
	}
	t.gone = t.gone || d.Condition != RetentionPassed
	t.batch.Discards = add(t.batch.Discards, &t.batch.DiscardsOmitted, d)
}

// Attempts returns the attempts that the batch's records went through, those of the batches it was cut from included, and
// how many are missing among them.
func (t *Trail) Attempts() (attempts []Attempt, omitted int) {
	t.log.recorder.mu.Lock()
	defer t.log.recorder.mu.Unlock()
	return t.all()
}

func (t *Trail) all() ([]Attempt, int) {
	attempts := slices.Clone(t.earlier)
	omitted := t.omitted + t.batch.AttemptsOmitted
	for _, a := range t.batch.Attempts {
		attempts = add(attempts, &omitted, a)
	}
	return attempts, omitted
}

// Part is one of the two parts of a batch that is split.
type Part struct {
	First, Last stream.SequenceNumber
	Records     int
}

// Split ends the batch and opens the trails of its parts. For says why it is cut.
func (t *Trail) Split(left, right Part, why string, now time.Time) (*Trail, *Trail) {
	l := t.log
	l.recorder.mu.Lock()
	defer l.recorder.mu.Unlock()
	attempts, omitted := t.all()
	open := func(p Part) *Trail {
		child := l.begin(Batch{
			ShardID: t.batch.ShardID, Lane: t.batch.Lane, Lanes: t.batch.Lanes, Gathered: t.batch.Gathered,
			First: p.First, Last: p.Last, Records: p.Records, Parent: t.batch.ID,
		}, now)
		child.earlier, child.omitted = attempts, omitted
		t.batch.Children = append(t.batch.Children, child.batch.ID)
		return child
	}
	a, b := open(left), open(right)
	t.batch.SplitFor = why
	t.end(OutcomeSplit, now)
	return a, b
}

// End notes that all records of the batch are delivered or given up.
func (t *Trail) End(now time.Time) {
	t.log.recorder.mu.Lock()
	defer t.log.recorder.mu.Unlock()
	switch {
	case t.gone:
		t.end(OutcomeDiscarded, now)
	case len(t.batch.Discards) > 0:
		t.end(OutcomeExpired, now)
	default:
		t.end(OutcomeDelivered, now)
	}
}

// Stop notes that the lane has left the batch as it was. What has ended stays as it is.
func (t *Trail) Stop(now time.Time) {
	t.log.recorder.mu.Lock()
	defer t.log.recorder.mu.Unlock()
	if t.batch.Outcome != OutcomeWorking {
		return
	}
	if len(t.batch.Attempts) > 0 && t.last().Outcome == AttemptRunning {
		t.last().Outcome = AttemptAbandoned
	}
	t.end(OutcomeStopped, now)
}

// end closes the trail, which counts from now on among those that are held; the caller holds the mutex.
func (t *Trail) end(o Outcome, now time.Time) {
	t.batch.Outcome, t.batch.Ended = o, now
	t.earlier = nil
	if t.held {
		t.size = t.batch.size()
		t.log.bytes += t.size
		t.log.recorder.bytes += t.size
		t.log.recorder.sweep()
	}
}
