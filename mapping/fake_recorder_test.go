package mapping

import (
	"slices"
	"strconv"
	"sync"

	"github.com/millrace/millrace/function"
)

// fakeRecorder keeps samples, metric by metric.
type fakeRecorder struct {
	mu      sync.Mutex
	samples [Metrics][]float64
}

var metricNames = [Metrics]string{
	"IteratorAge", "DestinationDeliveryFailures", "PolledEventCount", "FilteredOutEventCount", "InvokedEventCount",
	"FailedInvokeEventCount", "DroppedEventCount", "OnFailureDestinationDeliveredEventCount",
}

func (f *fakeRecorder) Mapping(string, function.Ref) Samples { return f }

func (f *fakeRecorder) Record(m Metric, v float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.samples[m] = append(f.samples[m], v)
}

// take returns the samples since the last time, a line for each metric. Those of several lanes have no order among
// themselves and are sorted, when asked to.
func (f *fakeRecorder) take(sorted bool) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for m, samples := range f.samples {
		if len(samples) == 0 {
			continue
		}
		if sorted {
			slices.Sort(samples)
		}
		line := metricNames[m]
		for _, v := range samples {
			line += " " + strconv.FormatFloat(v, 'f', -1, 64)
		}
		lines = append(lines, line)
		f.samples[m] = nil
	}
	if lines == nil {
		lines = []string{"none"}
	}
	return lines
}
