package mapping

import (
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/stream"
)

// Mapping is what is known of an event source mapping at one moment: a value of the caller's own.
type Mapping struct {
	UUID     string // lower-case, version 4
	Account  string // of who made it; so is Region
	Region   string
	Source   stream.Name
	Consumer stream.ConsumerID // through whose subscriptions the stream is read; the zero value for its iterators
	Function function.Ref      // with the qualifier as it was given
	Settings Settings
	// Start says where shards are read from that existed when the mapping began. Only Type and Timestamp are set.
	Start stream.Start

	State                 State
	StateTransitionReason string
	LastModified          time.Time
	LastProcessingResult  string
}

// ARN returns the mapping's own Amazon Resource Name.
func (m Mapping) ARN() string {
	return arn.New("lambda", m.Region, m.Account, "event-source-mapping:"+m.UUID).String()
}

// SourceARN returns the Amazon Resource Name of the event source: of the stream, or of the consumer.
func (m Mapping) SourceARN() string { return sourceARN(m.Source, m.Consumer) }

// userAction is the only reason for a transition that there is: this program makes none by itself.
const userAction = "User action"

// Results of the last invocation, in AWS's words.
const (
	resultNone     = "No records processed"
	resultOK       = "OK"
	resultFailed   = "PROBLEM: Function call failed"
	resultNumber   = "PROBLEM: Sequence number in function response is invalid. Please check function implementation."
	resultInternal = "PROBLEM: internal Lambda error. Please contact Lambda customer support."
)
