package function

import (
	"errors"
	"time"
)

// Metric is something that is measured of functions. The names are AWS's.
type Metric int

// The metrics of a function.
const (
	Invocations Metric = iota // 1 for each that reached the function
	Errors                    // 1 for each of these that failed, else 0
	Throttles                 // 1 for each that was turned away, which is no invocation, else 0
	Duration                  // of each that reached the function, in milliseconds
	// ConcurrentExecutions is how many ran when another began, that one included: of the function, and of its account.
	ConcurrentExecutions
	AccountConcurrentExecutions

	AsyncEventsReceived         // 1 for each event that was taken
	AsyncEventAge               // how old an event was when it was handed to its function, in milliseconds
	AsyncEventsDropped          // 1 for each event that was given up
	DeadLetterErrors            // 1 for each dead letter that was dropped
	DestinationDeliveryFailures // 1 for each notice that its destination did not take
	RecursiveInvocationsDropped // 1 for each that was not made because its function went round in a circle

	ProvisionedInvocations          // 1 for each that took a provisioned environment
	ProvisionedSpilloverInvocations // 1 for each that took another one, as all that are provisioned were at work
	ProvisionedConcurrentExecutions // how many provisioned environments were at work when an invocation began
	ProvisionedUtilization          // the share that they are of all that are provisioned

	URLRequests // 1 for each request to a URL that was answered
	URL4xx      // 1 for each of these whose answer said that the caller was at fault, else 0
	URL5xx      // 1 for each of these whose answer said that the function or the server was, else 0
	URLLatency  // of each of these, until it was answered, in milliseconds

	// Metrics is how many there are.
	Metrics
)

// Recorder makes the samples of functions.
type Recorder interface {
	Function(name Name) Samples
}

// Samples takes the samples of one function, with the qualifier by which it was invoked. They come with every
// invocation, from many goroutines, so that taking one must be quick.
type Samples interface {
	Record(qualifier string, m Metric, v float64)
}

// unrecorded is a Recorder, and Samples, for who wants none.
type unrecorded struct{}

func (unrecorded) Function(Name) Samples          { return unrecorded{} }
func (unrecorded) Record(string, Metric, float64) {}

// recordEvent takes a sample about an event.
func (s *Service) recordEvent(about Ref, m Metric, v float64) {
	if e, err := s.lookup(about.Name); err == nil {
		e.samples.Record(about.Qualifier, m, v)
	}
}

// RecordURL takes the samples of a request to the URL of a function or an alias that was answered with an HTTP status after so long.
func (s *Service) RecordURL(about Ref, status int, took time.Duration) {
	e, err := s.lookup(about.Name)
	if err != nil {
		return // deleted meanwhile
	}
	qualifier, faults := about.withLatest().Qualifier, [6]float64{}
	if class := status / 100; class < len(faults) {
		faults[class] = 1
	}
	e.samples.Record(qualifier, URLRequests, 1)
	e.samples.Record(qualifier, URL4xx, faults[4])
	e.samples.Record(qualifier, URL5xx, faults[5])
	e.samples.Record(qualifier, URLLatency, float64(took)/float64(time.Millisecond))
}

// recordBegin takes the samples of an invocation that has been given an environment.
func (s *Service) recordBegin(qualifier string, e *environment) {
	d := e.deployment
	own, all := s.pool.concurrent(d)
	d.samples.Record(qualifier, ConcurrentExecutions, float64(own))
	d.samples.Record(qualifier, AccountConcurrentExecutions, float64(all))
	busy, live := s.pool.provisionedUse(d)
	switch {
	case e.provisioned:
		d.samples.Record(qualifier, ProvisionedInvocations, 1)
	case live > 0:
		d.samples.Record(qualifier, ProvisionedSpilloverInvocations, 1)
	}
	if live > 0 {
		d.samples.Record(qualifier, ProvisionedConcurrentExecutions, float64(busy))
		d.samples.Record(qualifier, ProvisionedUtilization, float64(busy)/float64(live))
	}
}

// recordEnd takes the samples of an invocation that has ended one way or the other.
func (s *Service) recordEnd(ref Ref, r *Result, err error) {
	var throttled *ThrottledError
	if err != nil && !errors.As(err, &throttled) {
		return
	}
	e, gone := s.lookup(ref.Name)
	if gone != nil {
		return // deleted meanwhile
	}
	if err != nil {
		e.samples.Record(ref.Qualifier, Throttles, 1)
		return
	}
	failed := 0.0
	if r.FunctionError != "" {
		failed = 1
	}
	e.samples.Record(ref.Qualifier, Invocations, 1)
	e.samples.Record(ref.Qualifier, Errors, failed)
	e.samples.Record(ref.Qualifier, Throttles, 0)
	e.samples.Record(ref.Qualifier, Duration, float64(r.Duration)/float64(time.Millisecond))
}
