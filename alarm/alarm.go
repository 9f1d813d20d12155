package alarm

import (
	"time"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/store"
)

// Name names an alarm.
type Name struct{ Account, Region, Name string }

// ARN returns the alarm's Amazon Resource Name.
func (n Name) ARN() string {
	return arn.New("cloudwatch", n.Region, n.Account, "alarm:"+n.Name).String()
}

func (n Name) key() string { return store.Key(n.Account, n.Region, n.Name) }

// State is what an alarm says.
type State string

// The states.
const (
	OK       State = "OK"
	Alarming State = "ALARM"
	Unknown  State = "INSUFFICIENT_DATA"
)

// Dimension is part of a metric's identity.
type Dimension struct{ Name, Value string }

// Query is one metric, or one expression over others, of what an alarm watches.
type Query struct {
	ID                string
	Namespace, Metric string      `json:",omitempty"`
	Dimensions        []Dimension `json:",omitempty"`
	Period            int         `json:",omitempty"` // in seconds
	Stat, Unit        string      `json:",omitempty"`
	Expression        string      `json:",omitempty"`
	Label             *string     `json:",omitempty"`
	// Hidden says that it is only for expressions.
	Hidden bool `json:",omitempty"`
}

// Definition is what an alarm is told. Its JSON form is part of the store's format.
type Definition struct {
	Description *string `json:",omitempty"`
	// Muted says that its actions are not carried out.
	Muted                              bool     `json:",omitempty"`
	OKActions, Actions, UnknownActions []string `json:",omitempty"`
	// Queries are what is watched: one of them is not hidden. Simple says that it was given as a metric alone.
	Queries []Query
	Simple  bool `json:",omitempty"`
	// Datapoints of the last Periods that breach make an alarm. DatapointsGiven says that they were told apart.
	Periods, Datapoints int
	DatapointsGiven     bool `json:",omitempty"`
	Threshold           float64
	Comparison          string
	// Missing is how a period without values counts: missing, ignore, breaching, notBreaching; empty means missing.
	Missing string `json:",omitempty"`
	// LowSamples is how percentiles of few samples count: evaluate, or empty, which is the same.
	LowSamples string `json:",omitempty"`
}

// Period is how long one of its periods is: the longest of what it watches.
func (d *Definition) Period() time.Duration {
	longest := 1
	for _, q := range d.Queries {
		longest = max(longest, q.Period)
	}
	return time.Duration(longest) * time.Second
}

// actions are those for a state.
func (d *Definition) actions(s State) []string {
	switch s {
	case OK:
		return d.OKActions
	case Alarming:
		return d.Actions
	}
	return d.UnknownActions
}

// Alarm is an alarm as it stands.
type Alarm struct {
	Name Name
	Definition
	Condition
	Configured time.Time
	Tags       map[string]string
}

// Condition is the state of an alarm, and why.
type Condition struct {
	State        State
	Reason       string
	ReasonData   string    `json:",omitempty"`
	Updated      time.Time // when the reason was given
	Transitioned time.Time // when the state became this one
}

// row is an alarm as its row holds it.
type row struct {
	Definition
	Condition
	Configured time.Time
	Tags       map[string]string `json:",omitempty"`
	// Pending are the actions that are to be carried out.
	Pending []pending `json:",omitempty"`
}

// pending is an action on its way.
type pending struct {
	Target string
	Event  Event
	Tries  int       `json:",omitempty"`
	Due    time.Time `json:",omitzero"`
}

// Event is a change of state, as an action tells of it.
type Event struct {
	Alarm    Alarm // after it
	Previous Condition
}

// The kinds of items of a history.
const (
	ItemConfiguration = "ConfigurationUpdate"
	ItemState         = "StateUpdate"
	ItemAction        = "Action"
)

// Item is an item of a history.
type Item struct {
	Alarm         string
	Time          time.Time
	Kind, Summary string
	Data          string
}
