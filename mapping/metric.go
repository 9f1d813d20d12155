package mapping

import (
	"time"

	"github.com/millrace/millrace/function"
)

// Metric is something that is measured of a mapping. The names are AWS's.
type Metric int

// The metrics of a mapping. Those that count events are recorded only where Settings.EventCount asks for them.
const (
	// IteratorAge is how old a batch's last record is when it is handed to the function, in milliseconds: one sample for
	// each attempt, one that the function's concurrency turns away included, since that is when the age is of interest.
	IteratorAge Metric = iota
	DestinationDeliveryFailures

	PolledEvents       // records of a read, 0 of an empty one
	FilteredOutEvents  // of these, records that no filter matched, 0 when all did
	InvokedEvents      // records that reached the function, again with each retry
	FailedInvokeEvents // records of attempts that failed, or did not reach the function
	DroppedEvents      // records given up of which no destination was told; not those that retention ended
	DeliveredEvents    // records that a destination was told of

	// Metrics is how many there are.
	Metrics
)

// Recorder makes the samples of mappings.
type Recorder interface {
	Mapping(uuid string, function function.Ref) Samples
}

// Samples takes the samples of one mapping. They come with every read and batch, from many goroutines, so that taking
// one must be quick.
type Samples interface {
	Record(m Metric, v float64)
}

// unrecorded is a Recorder, and Samples, for who wants none.
type unrecorded struct{}

func (unrecorded) Mapping(string, function.Ref) Samples { return unrecorded{} }
func (unrecorded) Record(Metric, float64)               {}

// count takes a sample of events, if the mapping has such.
func (r *reader) count(m Metric, records int) {
	if r.terms.row.Settings.EventCount {
		r.terms.samples.Record(m, float64(records))
	}
}

// recordPoll takes the samples of a read.
func (r *reader) recordPoll(seen, kept int) {
	r.count(PolledEvents, seen)
	if seen > 0 {
		r.count(FilteredOutEvents, seen-kept)
	}
}

// recordAge takes the sample of a batch that is about to be handed to the function. The invocation that ends a window
// may have no records, and then no age.
func (r *reader) recordAge(b *batch, now time.Time) {
	if len(b.records) == 0 {
		return
	}
	age := max(0, now.Sub(b.last().Arrival))
	r.rd.e.stats.iteratorAge.Store(int64(age))
	r.terms.samples.Record(IteratorAge, float64(age.Microseconds())/1000)
}

// recordOutcome takes the samples of an attempt that has ended.
func (r *reader) recordOutcome(records int, o outcome) {
	if records == 0 {
		return
	}
	switch o {
	case delivered:
		r.count(InvokedEvents, records)
	case failed, progressed:
		r.count(InvokedEvents, records)
		r.count(FailedInvokeEvents, records)
	case refused, oversized:
		r.count(FailedInvokeEvents, records)
	}
}
