package history

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/stream"
)

// ID names a batch, or a discarded one, within its mapping. Later ones have greater ids.
type ID uint64

// String returns the id as clients see it: 16 hexadecimal digits.
func (id ID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// MarshalText writes the id as String does.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (id *ID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil || len(text) != 16 {
		return fmt.Errorf("%q is not the id of a batch", text)
	}
	*id = ID(n)
	return nil
}

// after returns an id for what happens now: the time in microseconds, but always one that is greater than the last.
func after(last ID, now time.Time) ID { return max(last+1, ID(now.UnixMicro())) }

// Outcome says what became of a batch, or is still becoming.
type Outcome string

// Outcomes of batches. One of which some records were delivered and others given up is discarded.
const (
	OutcomeWorking   Outcome = "working"   // it is at work, or waits
	OutcomeDelivered Outcome = "delivered" // the function took all of its records
	OutcomeDiscarded Outcome = "discarded" // records were given up for their age or their retries
	OutcomeExpired   Outcome = "expired"   // the stream's retention ended records while they waited, and nothing else is to be told
	OutcomeSplit     Outcome = "split"     // it was cut into its children
	OutcomeStopped   Outcome = "stopped"   // the lane had to stop; what is left will be in a batch of another id
)

// Outcomes lists all outcomes of batches.
func Outcomes() []Outcome {
	return []Outcome{OutcomeWorking, OutcomeDelivered, OutcomeDiscarded, OutcomeExpired, OutcomeSplit, OutcomeStopped}
}

// Batch is the trail of one batch.
type Batch struct {
	ID      ID     `json:"id"`
	ShardID string `json:"shard_id"`
	Lane    int    `json:"lane"`  // of the shard's lanes, from 0
	Lanes   int    `json:"lanes"` // how many the shard has

	First   stream.SequenceNumber `json:"first_sequence_number,omitzero"` // zero for a batch without records; so is Last
	Last    stream.SequenceNumber `json:"last_sequence_number,omitzero"`
	Records int                   `json:"records"`

	Gathered time.Time `json:"gathered"`        // when it was taken from the lane's queue
	Ended    time.Time `json:"ended,omitzero"`  // zero while it is at work
	Outcome  Outcome   `json:"outcome"`         //
	Parent   ID        `json:"parent,omitzero"` // the batch that it was cut from
	Children []ID      `json:"children,omitempty"`
	SplitFor string    `json:"split_for,omitempty"` // bisect, or payload when one event could not hold all records

	Window *Window `json:"window,omitempty"` // of the last attempt

	// Attempts are the first and the last ones when there were very many, and AttemptsOmitted is how many are missing
	// between these.
	Attempts        []Attempt `json:"attempts"`
	AttemptsOmitted int       `json:"attempts_omitted,omitempty"`
	Discards        []Discard `json:"discards,omitempty"` // likewise
	DiscardsOmitted int       `json:"discards_omitted,omitempty"`
}

// Window is the tumbling window of an attempt.
type Window struct {
	Start           time.Time `json:"start"`
	End             time.Time `json:"end"`
	Final           bool      `json:"final"`            // the attempt closes the window
	TerminatedEarly bool      `json:"terminated_early"` // since its state is too large
	StateBytes      int       `json:"state_bytes"`      // of the state that the function was handed
}

// What came of an attempt.
const (
	AttemptRunning    = "running"
	AttemptDelivered  = "delivered"
	AttemptProgressed = "progressed" // the response says that Taken records at the front are done
	AttemptFailed     = "failed"     // a function error, or a response that makes a failure of the whole batch
	AttemptOversized  = "oversized"  // the event is larger than a function can be given
	AttemptThrottled  = "throttled"  // turned away by the concurrency limit; no retry is spent
	AttemptUnreached  = "unreached"  // the function is missing, not ready, or could not be run; no retry is spent
	AttemptAbandoned  = "abandoned"  // the program stopped before there was an answer
)

// Attempt is one try to hand a batch to the function.
type Attempt struct {
	RequestID  string    `json:"request_id"`
	Began      time.Time `json:"began"`
	DurationMS float64   `json:"duration_ms"`
	Records    int       `json:"records"` // the last ones of the batch
	Answer
	// Wait is what followed it, if the batch had to wait.
	Wait *Wait `json:"wait,omitempty"`
}

// Answer is how an attempt ended.
type Answer struct {
	Outcome         string `json:"outcome"`
	Taken           int    `json:"taken,omitempty"`          // records that a partial response says are done
	FunctionError   string `json:"function_error,omitempty"` // Unhandled or Handled
	ErrorType       string `json:"error_type,omitempty"`
	Problem         string `json:"problem,omitempty"` // what is wrong with the response, or why the function was not reached
	ExecutedVersion string `json:"executed_version,omitempty"`
	// LogGroup and LogStream are where the function instance logs, with the request id in its lines.
	LogGroup  string `json:"log_group,omitempty"`
	LogStream string `json:"log_stream,omitempty"`
}

// Wait is a rest of a batch before it is judged anew.
type Wait struct {
	For   string    `json:"for"`
	Until time.Time `json:"until"`
}

// Discard tells of records that were given up.
type Discard struct {
	// Condition is that of the on-failure document, or RetentionPassed.
	Condition   string                `json:"condition"`
	At          time.Time             `json:"at"`
	First       stream.SequenceNumber `json:"first_sequence_number,omitzero"`
	Last        stream.SequenceNumber `json:"last_sequence_number,omitzero"`
	Records     int                   `json:"records"`
	RequestID   string                `json:"request_id,omitempty"` // of the document
	InvokeCount int                   `json:"invoke_count"`
	Delivery    *Delivery             `json:"delivery,omitempty"` // of the document, where there is a destination
	Kept        ID                    `json:"kept,omitzero"`      // the id on the shelf
}

// RetentionPassed is the condition of records that the stream's retention ended while they waited. Nobody is told of them.
const RetentionPassed = "RetentionPassed"

// Delivery is what became of a document for the on-failure destination.
type Delivery struct {
	Destination string `json:"destination"`
	Delivered   bool   `json:"delivered"`
	Tries       int    `json:"tries"`
	Problem     string `json:"problem,omitempty"` // of the last try
}

const (
	// maxKept is how many attempts and discards of a batch are kept: the first firstKept, and the last ones.
	maxKept   = 50
	firstKept = 10
	// maxProblem is the longest problem that is kept, in bytes.
	maxProblem = 500
)

// add appends to a list that keeps its first and its last elements, and counts what it leaves out for that.
func add[T any](list []T, omitted *int, element T) []T {
	if len(list) >= maxKept {
		list = slices.Delete(list, firstKept, firstKept+1)
		*omitted++
	}
	return append(list, element)
}

// shorten cuts a text to its first bytes, and no character in two.
func shorten(text string) string {
	if len(text) <= maxProblem {
		return text
	}
	n := maxProblem
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// About what parts of a trail take in memory, in bytes, beside the texts that are theirs alone.
const (
	batchBytes   = 768 // with the first attempt
	attemptBytes = 320
	discardBytes = 256
)

// size returns about what a trail takes in memory, in bytes.
func (b *Batch) size() int64 {
	n := batchBytes + len(b.Attempts)*attemptBytes + len(b.Discards)*discardBytes
	for i := range b.Attempts {
		n += len(b.Attempts[i].Problem) + len(b.Attempts[i].ErrorType)
	}
	for i := range b.Discards {
		if d := b.Discards[i].Delivery; d != nil {
			n += len(d.Problem)
		}
	}
	return int64(n)
}

// clone returns a copy that shares nothing which may still change.
func (b *Batch) clone() Batch {
	c := *b
	c.Attempts = append([]Attempt{}, b.Attempts...)
	c.Discards = slices.Clone(b.Discards)
	c.Children = slices.Clone(b.Children)
	return c
}

// What a batch, a lane, a shard or a mapping waits for.
const (
	WaitRecords        = "records"         // a lane has nothing to do
	WaitBatchingWindow = "batching window" // the batch may still grow
	WaitInvocation     = "invocation"      // the function has the batch
	WaitBackoff        = "backoff"         // an attempt has failed
	WaitThrottle       = "throttle"        // the function's concurrency was used up
	WaitFunction       = "function"        // it is missing, not ready, or could not be run
	WaitTumblingWindow = "tumbling window" // it is open, and there is no record
	WaitDestination    = "destination"     // it has not taken a document yet
	WaitStore          = "store"           // it has not taken a checkpoint yet
	WaitSource         = "source"          // a shard could not be read
	WaitParents        = "parents"         // records of the shards that a shard came from are not done
	WaitStream         = "stream"          // it is not there, or could not be read
	WaitTransition     = "transition"      // of the mapping's state
	WaitEnabling       = "enabling"        // the mapping is disabled
)
