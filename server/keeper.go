package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/logs"
)

// keeper lets what functions print land in their log groups.
type keeper struct{ writer *logs.Writer }

// Open implements function.Logs.
func (k keeper) Open(f function.Function, stream string) function.EventLog {
	return k.writer.Stream(logs.Name{Scope: logs.Scope{Account: f.Account, Region: f.Region}, Group: f.LogGroup}, stream)
}

// droppedLines counts for Prometheus what functions printed in vain.
func droppedLines(room *logs.Service) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "millrace_log_events_dropped_total",
		Help: "Events of functions' logs that were dropped, because they came faster than they could be kept or the store refused them.",
	}, func() float64 { return float64(room.Writer().Dropped()) })
}

// logRecorder introduces log groups to the room of metrics.
type logRecorder struct{ recorder }

var logMeasures = measures(logs.Metrics, map[int]measure{
	int(logs.IncomingBytes):     {"IncomingBytes", unitBytes},
	int(logs.IncomingLogEvents): {"IncomingLogEvents", unitCount},
})

// Group implements logs.Recorder.
func (r logRecorder) Group(n logs.Name) logs.Samples {
	return logSamples{
		r.later(n.Account, n.Region, namespaceLogs, logMeasures, "LogGroupName", n.Group),
		r.later(n.Account, n.Region, namespaceLogs, logMeasures),
	}
}

// logSamples are the meters of a group: its own, and those of its account.
type logSamples []func() meters

// Record implements logs.Samples.
func (s logSamples) Record(m logs.Metric, v float64) {
	for _, meters := range s {
		meters().record(int(m), v)
	}
}
