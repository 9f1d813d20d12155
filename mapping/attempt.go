package mapping

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/millrace/millrace/function"
)

// answer is an attempt's outcome, and what the function said of it if it was reached.
type answer struct {
	outcome  outcome
	response *response
}

// attempt hands the batch to the function and counts that. An error says that the lane was stopped before there was an
// answer.
func (l *lane) attempt(ctx, grace context.Context, b *batch) (answer, error) {
	if ctx.Err() != nil {
		return answer{}, errStopped
	}
	// The event is written into memory of its own. A buffer that is used again would be quicker by little, and a function
	// that answers before it has read its event would find what other functions are sent.
	event, fits := l.r.form.append(make([]byte, 0, b.room()), b.records, l.lookUpRole(ctx))
	if fits < len(b.records) {
		b.fits = fits
		return answer{outcome: overfull}, nil
	}
	if b.requestID == "" || b.shortened {
		b.requestID, b.shortened = uuid.NewString(), false
	}
	if len(event) > maxEvent {
		b.attempts++
		l.r.rd.report(resultFailed)
		return answer{outcome: oversized}, nil
	}
	stats := &l.r.rd.e.stats
	if !b.again {
		stats.waited(b, l.r.s.config.Clock.Now())
		b.again = true
	}
	repeated := b.attempts > 0
	result, err := l.r.s.config.Invoker.Invoke(grace, function.Invocation{
		Ref:       l.r.rd.function,
		RequestID: b.requestID,
		Payload:   event,
		Vouched:   true,
	})
	if grace.Err() != nil {
		return answer{}, errStopped
	}
	ans := l.judge(b, result, err)
	if ans.outcome != refused {
		stats.invocations.Add(1)
		if repeated {
			stats.retries.Add(1)
		}
	}
	return ans, nil
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
	switch {
	case err == nil && result.FunctionError == "":
		ans.outcome, report = delivered, resultOK
	case err == nil:
		ans.outcome = failed
		ans.response = &response{ExecutedVersion: result.ExecutedVersion, FunctionError: result.FunctionError}
	case errors.As(err, &tooLarge):
		ans.outcome = oversized
	case errors.As(err, &throttled):
		l.r.rd.e.stats.throttles.Add(1)
	case errors.Is(err, function.ErrNotFound), errors.As(err, &notReady):
	default:
		report = resultInternal
		l.r.s.config.Log.Error("cannot invoke", "mapping", l.r.rd.e.uuid, "function", l.r.rd.row.FunctionARN, "error", err)
	}
	if ans.outcome == refused {
		b.refusals++
	} else {
		b.refusals = 0
	}
	if ans.outcome.counts() {
		b.attempts++
	}
	l.r.rd.report(report)
	return ans
}
