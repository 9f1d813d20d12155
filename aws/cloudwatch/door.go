package cloudwatch

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/alarm"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
)

// Door carries the operations out on the room's metrics.
type Door struct {
	Metrics *metric.Service
	Clock   clockwork.Clock
	Alarms  *alarm.Service
}

// New returns the service to hand to the dispatcher.
func New(metrics *metric.Service, alarms *alarm.Service, clock clockwork.Clock) protocol.Service {
	d := &Door{Metrics: metrics, Alarms: alarms, Clock: clock}
	s := NewService(d)
	s.Access, s.ActionPrefix, s.TagActions = d.access, "cloudwatch", map[string]string{"PutMetricAlarm": "TagResource"}
	return s
}

// scope is the one of who calls.
func scope(ctx context.Context) metric.Scope {
	call := protocol.CallFrom(ctx)
	return metric.Scope{Account: call.Account, Region: call.Region}
}

// nameOf translates the name of a metric.
func nameOf(namespace, name string, dimensions []Dimension) metric.Name {
	n := metric.Name{Namespace: namespace, Metric: name}
	for _, d := range dimensions {
		n.Dimensions = append(n.Dimensions, metric.Dimension{Name: d.Name, Value: d.Value})
	}
	return n
}

// dimensionsOf is the opposite for dimensions.
func dimensionsOf(n metric.Name) []Dimension {
	dimensions := make([]Dimension, len(n.Dimensions))
	for i, d := range n.Dimensions {
		dimensions[i] = Dimension{Name: d.Name, Value: d.Value}
	}
	return dimensions
}

// start is where periods begin: the given time, rounded down to what is told apart of that age.
func (d *Door) start(t time.Time, period time.Duration) time.Time {
	const day = 24 * time.Hour
	step := time.Minute
	switch age := d.Clock.Since(t); {
	case age > 63*day:
		step = time.Hour
	case age > 15*day:
		step = 5 * time.Minute
	case period < time.Minute:
		step = period
	}
	return t.Truncate(step)
}

// isPeriod reports whether samples can be summed up for so many seconds.
func isPeriod(seconds int) bool {
	switch seconds {
	case 1, 5, 10, 20, 30:
		return true
	}
	return seconds > 0 && seconds%60 == 0 && seconds <= 86400*365
}
