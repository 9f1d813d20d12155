package logs

// Metric is something that is measured of groups. The names are AWS's.
type Metric int

// The metrics of a group.
const (
	IncomingBytes     Metric = iota // of the events of a batch, in bytes of their messages
	IncomingLogEvents               // how many these were

	// Metrics is how many there are.
	Metrics
)

// Recorder makes the samples of groups.
type Recorder interface {
	Group(name Name) Samples
}

// Samples takes the samples of one group. Taking one must be quick.
type Samples interface {
	Record(m Metric, v float64)
}

// unrecorded is a Recorder, and Samples, for who wants none.
type unrecorded struct{}

func (unrecorded) Group(Name) Samples     { return unrecorded{} }
func (unrecorded) Record(Metric, float64) {}
