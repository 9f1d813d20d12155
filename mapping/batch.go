package mapping

import (
	"time"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/stream"
)

// batch is some consecutive records of one lane on their way through the function, and what befell them so far. Only the
// final invocation of a tumbling window is made of a batch without records.
type batch struct {
	records []stream.Record

	// requestID is the function's request id of every attempt of this batch. A batch that lost its first records, and
	// either half of a split batch, is another batch and gets another id.
	requestID string
	// attempts counts what spends the retry quota: the function failed, or the payload was too large for it.
	attempts int
	// refusals counts the attempts in a row that did not reach the function.
	refusals int
	// shortened says that the batch has lost records since its last attempt.
	shortened bool
	// taken is, after a progressed attempt, how many records at the front are done.
	taken int
	// fits is, once it was found that one event cannot hold all records, how many it can.
	fits int
	// again says that the function was handed these records before, in this batch or in the one it was cut from.
	again bool
	// size is how long the event is, in bytes; 0 when that was not measured.
	size int
	// window is the tumbling window that the last attempt was part of, nil if the mapping has none. A final batch closes it.
	window *tumbling
	final  bool
	// free says that the lane had nothing to do when the batch's first record came: nothing made it wait.
	free bool
	// trail tells those who look on what happens to the batch.
	trail *history.Trail
}

func (b *batch) last() *stream.Record { return &b.records[len(b.records)-1] }

// drop removes the first n records, which are settled. Their memory is released at once: a batch that is retried for
// days should not hold what it no longer needs.
func (b *batch) drop(n int) {
	clear(b.records[:n])
	b.records = b.records[n:]
	b.shortened, b.size = true, 0
}

// renew gives the batch the whole retry quota, since the function took the records before it.
func (b *batch) renew() { b.attempts, b.refusals = 0, 0 }

// room returns how much memory to take for the batch's event.
func (b *batch) room() int {
	if b.size > 0 {
		return b.size
	}
	const recordForm = 600 // about what a record takes in an event beside its data
	return int(memory(b.records))*4/3 + len(b.records)*recordForm
}

// split cuts the batch after n records. Each part begins with the whole retry quota.
func (b *batch) split(n int) (left, right batch) {
	return batch{records: b.records[:n], again: b.again}, batch{records: b.records[n:], again: b.again}
}

// outcome is what one attempt of a batch came to.
type outcome int

const (
	// untried: the batch is due, and nothing was attempted yet.
	untried outcome = iota
	// delivered: the function answered without error.
	delivered
	// progressed: the function took the first batch.taken records, at least one, and named the next as failed.
	progressed
	// failed: the function ran and reported an error, or was ended at its timeout, or its response makes a failure of the
	// whole batch.
	failed
	// oversized: the event is larger than a function can be given.
	oversized
	// refused: the function was not reached: throttled, missing, or a fault of the service.
	refused
	// overfull: the function was not asked, since one event cannot hold all records; batch.fits of them it can. Batches
	// are gathered so that they fit, but the function's role, which each record names, may have changed since.
	overfull
)

// counts reports whether the outcome spends the retry quota.
func (o outcome) counts() bool { return o == failed || o == oversized }

// condition says why records were given up, in the words of the on-failure document.
type condition string

const (
	retriesExhausted condition = "RetryAttemptsExhausted"
	ageExceeded      condition = "RecordAgeExceeded"
	// retentionPassed is no condition of a document: such records are gone from the stream, and nobody is told.
	retentionPassed condition = ""
)

// policy is all that a verdict depends on beside the batch and its outcome.
type policy struct {
	retries   int           // MaximumRetryAttempts, or Forever
	age       time.Duration // from which a record is given up; 0 for never
	retention time.Duration // after which the stream forgets a record; 0 for never
	bisect    bool
	backoff   backoff
	early     float64 // by which part of its wait a batch that was refused is early
}

// backoff says how long a batch waits before its next attempt: Base, doubled for each further one, at most Cap.
type backoff struct {
	Base, Cap time.Duration
}

// delay returns the wait before the n-th attempt after the first, n from 1.
func (b backoff) delay(n int) time.Duration {
	d := b.Base
	for ; n > 1 && d < b.Cap; n-- {
		d *= 2
	}
	return min(d, b.Cap)
}
