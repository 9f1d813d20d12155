package mapping

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping/history"
)

// answer is an attempt's outcome, and what the function said of it if it was reached.
type answer struct {
	outcome  outcome
	response *response
	state    []byte // that the window has now, when records of the batch are done
	// report is what to tell of it to those who look on.
	report history.Answer
}

// attempt hands the batch to the function and counts that. An error says that the lane was stopped before there was an
// answer.
func (l *lane) attempt(ctx, grace context.Context, b *batch) (answer, error) {
	if ended(ctx, l.r.terms.changed) { // a change that was answered holds, also before ctx has ended for it
		return answer{}, errStopped
	}
	if !b.final {
		b.window = l.windowFor(&b.records[0])
	}
	tail := l.r.form.windowTail(b.window, b.final)
	// The event is written into memory of its own. A buffer that is used again would be quicker by little, and a function
	// that answers before it has read its event would find what other functions are sent.
	event, fits := l.r.form.append(make([]byte, 0, b.room()+len(tail)), b.records, l.lookUpRole(ctx), tail)
	if fits < len(b.records) {
		b.fits = fits
		return answer{outcome: overfull}, nil
	}
	if b.requestID == "" || b.shortened {
		b.requestID, b.shortened = uuid.NewString(), false
	}
	l.try(b)
	if len(event) > maxEvent {
		b.attempts++
		l.r.rd.report(resultFailed)
		l.r.recordOutcome(len(b.records), oversized)
		return l.answered(b, answer{outcome: oversized, report: history.Answer{Outcome: history.AttemptOversized}}), nil
	}
	stats, now := &l.r.rd.e.stats, l.r.s.config.Clock.Now()
	if !b.again {
		stats.waited(b, now)
		b.again = true
	}
	l.r.recordAge(b, now)
	repeated := b.attempts > 0
	result, err := l.r.s.config.Invoker.Invoke(grace, function.Invocation{
		Ref:       l.r.terms.function,
		RequestID: b.requestID,
		Payload:   event,
		Vouched:   true,
	})
	if grace.Err() != nil {
		return answer{}, errStopped
	}
	ans := l.judge(b, result, err)
	l.r.recordOutcome(len(b.records), ans.outcome)
	if ans.outcome != refused {
		stats.invocations.Add(1)
		if repeated {
			stats.retries.Add(1)
		}
	}
	return l.answered(b, ans), nil
}

// read judges a batch by the response of a function that has not failed, and says what to report. A response that is
// valid is reported as OK, also when it says that no record is done.
func (l *lane) read(b *batch, result *function.Result) (answer, string) {
	want := expectation{failures: l.r.terms.row.Settings.ReportBatchItemFailures, state: b.window != nil}
	says, err := readResponse(result.Payload, b.records, &l.r.shard, want)
	ans := answer{outcome: failed, response: &response{ExecutedVersion: result.ExecutedVersion}, state: says.state}
	ans.report.Outcome = history.AttemptFailed
	switch {
	case err != nil:
		ans.report.Problem = err.Error()
		if errors.Is(err, errIdentifier) {
			return ans, resultNumber
		}
		return ans, resultFailed
	case says.taken == len(b.records):
		ans.outcome, ans.report.Outcome = delivered, history.AttemptDelivered
	case says.taken > 0:
		ans.outcome, b.taken = progressed, says.taken
		ans.report.Outcome, ans.report.Taken = history.AttemptProgressed, says.taken
	default:
		ans.report.Problem = "the response names the first record of the batch"
	}
	return ans, resultOK
}

// judge turns what the invoker returned into an outcome, counts it for the batch and reports it.
func (l *lane) judge(b *batch, result function.Result, err error) answer {
	var (
		throttled *function.ThrottledError
		notReady  *function.NotReadyError
		tooLarge  *function.PayloadTooLargeError
	)
	report := resultFailed
	ans := answer{outcome: refused}
	ans.report.Outcome = history.AttemptUnreached
	switch {
	case err == nil && result.FunctionError == "":
		ans, report = l.read(b, &result)
	case err == nil:
		ans.outcome, ans.report.Outcome = failed, history.AttemptFailed
		ans.response = &response{ExecutedVersion: result.ExecutedVersion, FunctionError: result.FunctionError}
	case errors.As(err, &tooLarge):
		ans.outcome, ans.report.Outcome = oversized, history.AttemptOversized
	case errors.As(err, &throttled):
		ans.report.Outcome = history.AttemptThrottled
		l.r.rd.e.stats.throttles.Add(1)
	case errors.Is(err, function.ErrNotFound), errors.As(err, &notReady):
	default:
		report = resultInternal
		l.r.s.config.Log.Error("cannot invoke", "mapping", l.r.rd.e.uuid, "function", l.r.terms.row.FunctionARN, "error", err)
	}
	if ans.outcome == refused {
		b.refusals++
	} else {
		b.refusals = 0
	}
	if ans.outcome.counts() {
		b.attempts++
	}
	if err != nil {
		ans.report.Problem = err.Error()
	} else {
		ans.report.FunctionError, ans.report.ErrorType, ans.report.ExecutedVersion = result.FunctionError, result.Reason(), result.ExecutedVersion
		ans.report.LogGroup, ans.report.LogStream = l.r.terms.logGroup, result.LogStream
	}
	l.r.rd.report(report)
	return ans
}
