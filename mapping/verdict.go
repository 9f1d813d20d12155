package mapping

import (
	"slices"
	"time"

	"github.com/millrace/millrace/stream"
)

// action is one step of a verdict. The actions of a verdict are carried out in order.
type action struct {
	kind actionKind
	// n is a number of records, counted from the first of what the actions before have left of the batch.
	n int
	// why says for giveUp what the n records are given up for.
	why condition
	// after is for wait how long the rest rests before it is judged anew.
	after time.Duration
}

type actionKind int

const (
	// attempt: hand the batch to the function.
	attempt actionKind = iota + 1
	// advance: the first n records are delivered.
	advance
	// giveUp: the first n records will not be tried again.
	giveUp
	// split: what is left is two batches, the first with n records; it is dealt with completely before the second.
	split
	// wait: what is left is judged anew after a time.
	wait
)

// verdict decides what happens to a batch. It is called before an attempt, with the outcome untried, and after it, with
// the batch's counters including that attempt. It looks at nothing but its arguments.
//
// Age comes before the count, and only the expired records at the front are given up: the younger rest goes on. A
// failed batch of two or more records is split at once where the mapping says so, and its halves start to count anew.
func verdict(b *batch, o outcome, p policy, now time.Time) []action {
	n := len(b.records)
	switch {
	case o == delivered:
		return []action{{kind: advance, n: n}}
	case o == progressed: // the rest is another batch, and is due at once
		return []action{{kind: advance, n: b.taken}}
	case o == overfull:
		return []action{{kind: split, n: b.fits}}
	case o.counts() && p.bisect && n > 1:
		return []action{{kind: split, n: n / 2}}
	}
	actions := make([]action, 0, 2)
	if gone, why := p.expired(b, now); gone > 0 {
		actions = append(actions, action{kind: giveUp, n: gone, why: why})
		n -= gone
	}
	switch {
	case n == 0:
	case o == untried:
		actions = append(actions, action{kind: attempt})
	case o != refused && p.retries != Forever && b.attempts > p.retries:
		actions = append(actions, action{kind: giveUp, n: n, why: retriesExhausted})
	default:
		actions = append(actions, action{kind: wait, after: p.rest(b, o, b.last().Arrival, now)})
	}
	return actions
}

// expired returns how many records at the front of the batch are too old, and by which limit. Where both limits are
// set the lower one was reached first and decides.
func (p policy) expired(b *batch, now time.Time) (int, condition) {
	limit, why := p.limit()
	if limit == 0 {
		return 0, ""
	}
	young := slices.IndexFunc(b.records, func(r stream.Record) bool { return now.Sub(r.Arrival) < limit })
	if young < 0 {
		young = len(b.records)
	}
	return young, why
}

// limit returns the age that ends a record, 0 for none, and why it does.
func (p policy) limit() (time.Duration, condition) {
	if p.age > 0 && (p.retention == 0 || p.age <= p.retention) {
		return p.age, ageExceeded
	}
	return p.retention, retentionPassed
}

// rest returns how long a batch waits after an outcome, when the last of its records arrived as said. When all of them
// will have expired by then there is no further attempt to wait for, and the wait ends as the last one expires: the
// records behind them need not suffer.
func (p policy) rest(b *batch, o outcome, last, now time.Time) time.Duration {
	d := p.backoff.delay(b.attempts)
	if o == refused {
		d = time.Duration(float64(p.backoff.delay(b.refusals)) * (1 - p.early))
	}
	if limit, _ := p.limit(); limit > 0 {
		left := limit - now.Sub(last)
		d = min(d, max(left, 0))
	}
	return d
}
