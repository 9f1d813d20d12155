package lambda

import "slices"

// foreign are the members that belong to other kinds of event sources, and whether they were sent.
type foreign struct {
	name string
	sent bool
}

// refuseForeign answers a request with a member that a stream does not know.
func refuseForeign(members ...foreign) error {
	for _, m := range members {
		if m.sent {
			return invalid("Unsupported %s parameter for given event source mapping type.", m.name)
		}
	}
	return nil
}

// refuseMapping answers what creating and updating a mapping share: settings that are known and not carried out. Their
// empty forms ask for nothing.
func refuseMapping(
	metrics *EventSourceMappingMetricsConfig, destination *DestinationConfig,
) error {
	if destination != nil && destination.OnSuccess != nil && given(destination.OnSuccess.Destination) {
		return invalid("OnSuccess configuration is not supported for event source mappings.")
	}
	return refuse(member{"MetricsConfig.Metrics", metrics != nil && slices.ContainsFunc(metrics.Metrics, isForeignMetric)})
}

// isForeignMetric reports whether a group of metrics is one that streams do not have.
func isForeignMetric(name string) bool { return name != EventSourceMappingMetricEventCount }

// eventCount says whether a configuration asks for the counts of events, nil when it does not speak of metrics.
func eventCount(c *EventSourceMappingMetricsConfig) *bool {
	if c == nil {
		return nil
	}
	return new(len(c.Metrics) > 0)
}

// metricsConfig is the opposite: there is none without metrics.
func metricsConfig(eventCount bool) *EventSourceMappingMetricsConfig {
	if !eventCount {
		return nil
	}
	return &EventSourceMappingMetricsConfig{Metrics: []string{EventSourceMappingMetricEventCount}}
}

// reportFailures says whether the response types let a function report failed items, nil when they do not speak of it.
// There is only one type, which validation has seen to; an empty list takes it away.
func reportFailures(types []string) *bool {
	if types == nil {
		return nil
	}
	return new(len(types) > 0)
}

// onFailure returns the destination that a configuration names, nil when it does not speak of one.
func onFailure(c *DestinationConfig) *string {
	if c == nil {
		return nil
	}
	if c.OnFailure == nil || c.OnFailure.Destination == nil {
		return new("")
	}
	return c.OnFailure.Destination
}
